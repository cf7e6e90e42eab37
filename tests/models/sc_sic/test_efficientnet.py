"""The encoder against torchvision: a recorded vector, and torchvision itself where it is installed."""

import copy
import json
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from semcom.errors import SignalError, UsageError
from semcom.models.sc_sic.efficientnet import EfficientNetEncoder, efficientnet_features
from torch import nn

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
MAKER = runpy.run_path(str(VECTORS / "make_efficientnet_v2_s.py"))
TINY = {"width": 0.1, "depth": 0.1}


@pytest.fixture(scope="module")
def filled() -> nn.Sequential:
    with torch.device("meta"):
        network = efficientnet_features().eval()
    network.load_state_dict(MAKER["fill"](network.state_dict()), assign=True)
    return network


@pytest.fixture(scope="module")
def full() -> EfficientNetEncoder:
    with torch.device("meta"):
        return EfficientNetEncoder()


def test_names_and_shapes_are_torchvisions(full: EfficientNetEncoder) -> None:
    vector = np.load(VECTORS / "efficientnet_v2_s.npz")
    ours = {name: list(value.shape) for name, value in full.backbone.state_dict().items()}
    assert ours == dict(zip(vector["names"].tolist(), json.loads(str(vector["shapes"])), strict=True))


def test_parameters_as_published(full: EfficientNetEncoder) -> None:
    # torchvision states 21,458,488 for the classifier; its last layer, 1280 to 1000 with a bias, is left out
    assert sum(value.numel() for value in full.backbone.parameters()) == 21_458_488 - 1_281_000
    assert {name: list(value.shape) for name, value in full.mapper.state_dict().items()} == {
        "0.weight": [16, 1280, 1, 1],
        "1.running_mean": [16],
        "1.running_var": [16],
        "1.num_batches_tracked": [],
    }
    assert not [name for name in full.state_dict() if not name.startswith(("backbone.", "mapper."))]


def test_the_recorded_output_of_torchvision(filled: nn.Sequential) -> None:
    vector = np.load(VECTORS / "efficientnet_v2_s.npz")
    with torch.inference_mode():
        x = MAKER["picture"]()
        for index, stage in enumerate(filled):
            x = stage(x)
            np.testing.assert_allclose(float(x.double().square().mean()), vector[f"mean_square_{index}"], rtol=1e-4)
    np.testing.assert_allclose(x.numpy(), vector["features"], rtol=1e-3, atol=1e-4)


def _other_eps(network: nn.Sequential) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5


def _no_excitation(network: nn.Sequential) -> None:
    last = network.get_parameter("6.14.block.2.fc2.bias")
    last.data += 0.05


@pytest.mark.parametrize("harm", [_other_eps, _no_excitation])
def test_the_vector_would_show_a_slip(filled: nn.Sequential, harm: Callable[[nn.Sequential], None]) -> None:
    network = copy.deepcopy(filled)
    harm(network)
    vector = np.load(VECTORS / "efficientnet_v2_s.npz")
    with torch.inference_mode():
        assert not np.allclose(network(MAKER["picture"]()).numpy(), vector["features"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (33, 70)])
def test_torchvision_itself(filled: nn.Sequential, size: tuple[int, int]) -> None:
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:  # its wheels do not import beside a torch for CPUs only
        pytest.skip(f"torchvision: {error}")
    theirs = torchvision.models.efficientnet_v2_s(weights=None).features.eval()
    theirs.load_state_dict(filled.state_dict())
    x = torch.from_numpy(np.random.default_rng(3).standard_normal((2, 3, *size), np.float32))
    with torch.inference_mode():
        torch.testing.assert_close(filled(x), theirs(x))


def test_embeddings_of_the_paper(full: EfficientNetEncoder) -> None:
    def shape(encoder: EfficientNetEncoder, side: int) -> list[int]:
        with torch.device("meta"):
            return list(encoder(torch.empty(1, 3, side, side)).shape)

    with torch.device("meta"):
        whole = EfficientNetEncoder(downscale=1.0)
    assert shape(full, 512) == [1, 16, 12, 12]
    assert shape(full, 1024) == [1, 16, 24, 24]
    assert shape(whole, 1024) == [1, 16, 32, 32]
    assert shape(whole, 256) == [1, 16, 8, 8]


@pytest.mark.parametrize("downscale", [0.5, 0.75, 1.0])
def test_the_grid_is_the_published_formula(downscale: float) -> None:
    encoder = EfficientNetEncoder(downscale=downscale, **TINY)
    for side in range(64, 2048, 8):
        rows = int(((side * downscale) // 32) * 32) // 32  # as the published code has it
        assert encoder.grid(side, 2048) == (rows, int(2048 * downscale) // 32)


def test_the_picture_is_made_smaller_and_normalised() -> None:
    encoder = EfficientNetEncoder(**TINY)
    image = torch.rand(1, 3, 128, 256, generator=torch.Generator().manual_seed(1))
    rows, columns = (torch.arange(96) * 4 // 3, torch.arange(192) * 4 // 3)  # nearest, of three from four
    small = image[:, :, rows][:, :, :, columns]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    by_hand = (small - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(image), encoder.mapper(encoder.backbone(by_hand)))


def test_training_mode_moves_no_statistics() -> None:
    encoder = nn.Sequential(EfficientNetEncoder(**TINY)).train()
    before = copy.deepcopy(encoder.state_dict())
    encoder(torch.rand(2, 3, 64, 64))
    assert not encoder[0].training
    torch.testing.assert_close(encoder.state_dict(), before, rtol=0, atol=0)


def test_a_tiny_one_of_the_same_classes() -> None:
    encoder = EfficientNetEncoder(channels=4, downscale=1.0, **TINY)
    assert sum(value.numel() for value in encoder.parameters()) < 300_000
    with torch.inference_mode():
        found = encoder.bfloat16()(torch.rand(2, 3, 64, 96).bfloat16())
    assert (list(found.shape), found.dtype) == ([2, 4, 2, 3], torch.bfloat16)


@pytest.mark.parametrize(
    "image", [torch.zeros(3, 64, 64), torch.zeros(1, 1, 64, 64), torch.zeros(1, 3, 64, 64, dtype=torch.uint8)]
)
def test_another_tensor_is_refused(image: torch.Tensor) -> None:
    with pytest.raises(SignalError, match=r"efficientnet: expected floating \[b, 3, h, w\] in 0 to 1, got torch\."):
        EfficientNetEncoder(**TINY)(image)


def test_a_picture_can_be_too_small() -> None:
    encoder = EfficientNetEncoder(**TINY)
    assert encoder(torch.zeros(1, 3, 43, 43)).shape == (1, 16, 1, 1)
    with pytest.raises(SignalError, match=r"42 x 64 pixels is too small .* at least 43 x 43 .* scaled by 0\.75"):
        encoder(torch.zeros(1, 3, 42, 64))


def test_another_downscale_for_one_picture() -> None:
    encoder = EfficientNetEncoder(**TINY)
    image = torch.rand(1, 3, 128, 128)
    whole = EfficientNetEncoder(downscale=1.0, **TINY)
    whole.load_state_dict(encoder.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(encoder(image, 1.0), whole(image), rtol=0, atol=0)
        assert encoder(image, 0.5).shape == (1, 16, 2, 2)
    with pytest.raises(UsageError, match=r"expected a downscale above 0, at most 1, got 0\.0"):
        encoder(image, 0.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"channels": 0}, "expected at least 1 channel, got 0"),
        ({"downscale": 1.5}, "got 1.5"),
        ({"downscale": float("nan")}, "got nan"),
        ({"width": 0.0}, r"expected width and depth above 0, at most 1, got 0\.0 and 0\.1"),
        ({"depth": 2.0}, r"got 0\.1 and 2\.0"),
    ],
)
def test_sizes_out_of_range(given: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        EfficientNetEncoder(**{**TINY, **given})  # type: ignore[arg-type]
