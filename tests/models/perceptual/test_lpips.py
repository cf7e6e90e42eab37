import pickle
from pathlib import Path

import pytest
import torch
import torchmetrics.functional.image.lpips as theirs
from safetensors.torch import save_file
from semcom.errors import SignalError, WeightsError
from semcom.models.perceptual.lpips import Lpips
from torch import Tensor, nn

VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)  # 0: pool


def vgg16_features() -> nn.Sequential:
    """torchvision's ``vgg16().features``, with random weights."""
    layers: list[nn.Module] = []
    channels = 3
    for out in VGG16:
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU()] if out else [nn.MaxPool2d(2)]
        channels = out or channels
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.normal_(layer.bias, 0, 0.1)
    return nn.Sequential(*layers)


@pytest.fixture(scope="module")
def features() -> nn.Sequential:
    torch.manual_seed(0)
    return vgg16_features()


@pytest.fixture(scope="module")
def state(features: nn.Sequential) -> dict[str, Tensor]:
    return {f"features.{name}": value for name, value in features.state_dict().items()}


@pytest.fixture(scope="module")
def pth(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def lpips(pth: Path) -> Lpips:
    return Lpips(pth)


@pytest.mark.parametrize("deviation", [0.02, 0.3])
def test_it_is_torchmetrics_on_the_same_weights(
    lpips: Lpips, features: nn.Sequential, deviation: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda *_: features)
    other = theirs._LPIPS(net="vgg")
    b = torch.rand(2, 3, 40, 52)
    a = (b + deviation * torch.randn_like(b)).clamp(0, 1)
    with torch.no_grad():
        torch.testing.assert_close(lpips(a, b), other(a, b, normalize=True).flatten(), rtol=1e-4, atol=1e-7)


def test_equal_pictures_have_no_distance_and_gradients_are_finite(lpips: Lpips) -> None:
    flat = torch.full((1, 3, 16, 16), 0.5, requires_grad=True)
    assert lpips(flat, flat.detach()).item() == 0
    lpips(flat, torch.rand(1, 3, 16, 16)).sum().backward()
    assert flat.grad is not None
    assert bool(torch.isfinite(flat.grad).all())
    assert not list(lpips.parameters())


def test_safetensors_and_linear_weights_of_ones_own(lpips: Lpips, state: dict[str, Tensor], tmp_path: Path) -> None:
    save_file(state, tmp_path / "vgg16.safetensors")
    rows = {f"lin{n}.model.1.weight": torch.ones(1, c, 1, 1) for n, c in enumerate((64, 128, 256, 512, 512))}
    torch.save(rows, tmp_path / "linear.pth")
    own = Lpips(tmp_path / "vgg16.safetensors", tmp_path / "linear.pth")
    a, b = torch.rand(2, 1, 3, 20, 20)
    expected = 0.0
    for x, y in zip(lpips.features(a), lpips.features(b), strict=True):
        cosine = nn.functional.cosine_similarity(x, y, dim=1)
        expected += float((2 - 2 * cosine).mean())  # the squared distance of unit vectors
    assert float(own(a, b)) == pytest.approx(expected, rel=1e-4)


def test_wrong_batches_are_said(lpips: Lpips) -> None:
    with pytest.raises(SignalError, match=r"lpips: expected two batches .* sides at least 16, got \[1, 3, 15, 20\]"):
        lpips(torch.zeros(1, 3, 15, 20), torch.zeros(1, 3, 15, 20))


class Code:
    """What unpickling would run."""

    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("run",))


def test_wrong_files_are_said(pth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WeightsError, match=r"no\.pth: expected a state dict, \.pth or \.safetensors: .*No such file"):
        Lpips(tmp_path / "no.pth")
    bad = {name: tmp_path / name for name in ("cut.pth", "text.pth", "text.safetensors", "code.pth", "list.pth")}
    bad["cut.pth"].write_bytes(pth.read_bytes()[:1000])
    bad["text.pth"].write_text("not weights")
    bad["text.safetensors"].write_text("not weights")
    bad["code.pth"].write_bytes(pickle.dumps(Code(), protocol=2))
    torch.save([1, 2], bad["list.pth"])
    for path in bad.values():
        with pytest.raises(WeightsError, match=f"{path.name}: expected a state dict"):
            Lpips(path)
    assert capsys.readouterr().out == ""
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match=r"part\.pth: features\.0\.bias: expected \[64\], got none"):
        Lpips(tmp_path / "part.pth")
    torch.save({"lin0.model.1.weight": torch.ones(1, 96, 1, 1)}, tmp_path / "alex.pth")
    with pytest.raises(WeightsError, match=r"lin0\.model\.1\.weight: expected \[1, 64, 1, 1\], got \[1, 96, 1, 1\]"):
        Lpips(pth, tmp_path / "alex.pth")
