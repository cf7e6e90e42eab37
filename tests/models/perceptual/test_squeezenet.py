from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.signal import correlate
from semcom.errors import SignalError, WeightsError
from semcom.models.perceptual.squeezenet import TAPS, SqueezeNetDistance

FIRES = {2: (96, 16, 64), 3: (128, 16, 64), 4: (128, 32, 128), 5: (256, 32, 128)}
FIRES |= {6: (256, 48, 192), 7: (384, 48, 192), 8: (384, 64, 256), 9: (512, 64, 256)}


def random_arrays() -> dict[str, NDArray[np.float32]]:
    """Arrays of SqueezeNet v1.0's shapes (Iandola et al. 2016, table 1)."""
    rng = np.random.default_rng(0)

    def convolution(name: str, out: int, channels: int, side: int) -> dict[str, NDArray[np.float32]]:
        scale = (2 / (channels * side * side)) ** 0.5 / (60 if name == "conv1" else 1)
        weight = rng.normal(0, scale, (out, channels, side, side)).astype(np.float32)
        return {f"{name}.weight": weight, f"{name}.bias": rng.normal(0, 0.1, out).astype(np.float32)}

    arrays = convolution("conv1", 96, 3, 7) | convolution("conv_final", 1000, 512, 1)
    for number, (channels, squeeze, expand) in FIRES.items():
        arrays |= convolution(f"fire{number}.conv1x1_1", squeeze, channels, 1)
        arrays |= convolution(f"fire{number}.conv1x1_2", expand, squeeze, 1)
        arrays |= convolution(f"fire{number}.conv3x3_2", expand, squeeze, 3)
    return arrays


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "squeezenet.npz"
    np.savez(path, **random_arrays())
    return path


@pytest.fixture(scope="module")
def distance(weights: Path) -> SqueezeNetDistance:
    return SqueezeNetDistance(weights)


def caffe_features(image: NDArray[np.float64], arrays: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float64]]:
    """The network as Caffe runs it: ``[h, w, 3]`` RGB 0 to 255, with scipy's correlation and a pool by hand."""

    def convolve(x: NDArray[np.float64], name: str, mode: str, stride: int = 1) -> NDArray[np.float64]:
        weight = arrays[f"{name}.weight"].astype(float)
        if weight.shape[2] == 1:
            out = np.einsum("oi,ihw->ohw", weight[:, :, 0, 0], x)
        else:
            pad = 1 if mode == "same" else 0
            padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
            out = np.stack([correlate(padded, one, mode="valid")[0] for one in weight])[:, ::stride, ::stride]
        return np.maximum(out + arrays[f"{name}.bias"][:, None, None], 0)

    def pool(x: NDArray[np.float64]) -> NDArray[np.float64]:
        sides = [range(0, max(side - 2, 0) + (side - 3) % 2, 2) for side in x.shape[1:]]
        return np.stack([[x[:, i : i + 3, j : j + 3].max((1, 2)) for j in sides[1]] for i in sides[0]]).transpose(
            2, 0, 1
        )

    x = image[:, :, ::-1].transpose(2, 0, 1) - np.array([104, 117, 123])[:, None, None]
    x = convolve(x, "conv1", "valid", 2)
    found = [x]
    x = pool(x)
    for number in FIRES:
        x = convolve(x, f"fire{number}.conv1x1_1", "valid")
        x = np.concatenate(
            [convolve(x, f"fire{number}.conv1x1_2", "valid"), convolve(x, f"fire{number}.conv3x3_2", "same")]
        )
        if number % 2:
            found.append(x)
        if number in (4, 8):
            x = pool(x)
    return found


def test_it_is_the_formula_on_the_network_as_caffe_runs_it(distance: SqueezeNetDistance) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, (2, 39, 44, 3)).astype(float)
    arrays = random_arrays()
    terms = []
    for x, y in zip(caffe_features(a, arrays), caffe_features(b, arrays), strict=True):
        x, y = (z / np.sqrt((z**2).sum(0) + 1) for z in (x, y))
        terms.append(((x - y) ** 2).sum(0).mean())
    assert len(terms) == len(TAPS)
    batch = [torch.from_numpy(z).permute(2, 0, 1)[None].float() / 255 for z in (a, b)]
    assert float(distance(*batch)) == pytest.approx(np.mean(terms), rel=1e-4)


def test_equal_pictures_have_no_distance_and_noise_adds_to_it(distance: SqueezeNetDistance) -> None:
    torch.manual_seed(0)
    b = torch.rand(3, 3, 48, 33)
    assert distance(b, b).tolist() == [0, 0, 0]
    near, far = (distance(b + s * torch.randn_like(b), b) for s in (0.02, 0.2))
    assert near.shape == (3,)
    assert bool((near > 0).all())
    assert bool((far > near).all())
    assert bool((far < 2).all())


def test_gradients_flow_into_the_first_alone_and_the_network_is_frozen(distance: SqueezeNetDistance) -> None:
    torch.manual_seed(0)
    a, b = torch.rand(1, 3, 40, 40, requires_grad=True), torch.rand(1, 3, 40, 40, requires_grad=True)
    distance(a, b).sum().backward()
    assert a.grad is not None
    assert float(a.grad.abs().max()) > 0
    assert b.grad is None
    assert not any(parameter.requires_grad for parameter in distance.parameters())
    step = 1e-3 * a.grad / a.grad.norm()
    with torch.no_grad():
        slope = (distance(a + step, b) - distance(a - step, b)) / 2e-3
    assert float(slope) == pytest.approx(float(a.grad.norm()), rel=0.05)


def test_a_flat_picture_has_a_finite_gradient(distance: SqueezeNetDistance) -> None:
    a = torch.full((1, 3, 32, 32), 0.45, requires_grad=True)
    distance(a, torch.rand(1, 3, 32, 32)).sum().backward()
    assert a.grad is not None
    assert bool(torch.isfinite(a.grad).all())


def test_bfloat16_is_near(distance: SqueezeNetDistance) -> None:
    torch.manual_seed(0)
    b = torch.rand(2, 3, 64, 64)
    a = b + 0.1 * torch.randn_like(b)
    with torch.autocast("cpu", torch.bfloat16):
        rough = distance(a, b)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, distance(a, b), rtol=0.03, atol=0)


@pytest.mark.parametrize(("a", "b"), [((1, 3, 31, 64), (1, 3, 31, 64)), ((1, 3, 64, 64), (2, 3, 64, 64))])
def test_wrong_batches_are_said(distance: SqueezeNetDistance, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(SignalError, match=r"two batches \[b, 3, h, w\] of one shape, sides at least 32, got \[1, 3,"):
        distance(torch.zeros(a), torch.zeros(b))


def test_wrong_files_are_said(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(WeightsError, match=r"no\.npz: expected an npz file of SqueezeNet v1\.0's arrays"):
        SqueezeNetDistance(tmp_path / "no.npz")
    text, cut, npy = tmp_path / "text.npz", tmp_path / "cut.npz", tmp_path / "one.npy"
    text.write_text("not an archive")
    cut.write_bytes(weights.read_bytes()[:100_000])
    np.save(npy, np.zeros(3))
    for path in (text, cut, npy):
        with pytest.raises(WeightsError, match="expected an npz file"):
            SqueezeNetDistance(path)
    other = tmp_path / "other.npz"
    np.savez(other, **{"conv1.weight": np.zeros((64, 3, 3, 3), np.float32)})
    with pytest.raises(WeightsError, match=r"expected the arrays of SqueezeNet v1\.0, got others"):
        SqueezeNetDistance(other)
    shapes = random_arrays() | {"conv1.weight": np.zeros((64, 3, 3, 3), np.float32)}
    np.savez(other, **shapes)
    with pytest.raises(WeightsError, match=r"got others \(size mismatch for conv1.weight"):
        SqueezeNetDistance(other)
