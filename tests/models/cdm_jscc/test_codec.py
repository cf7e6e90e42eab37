from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.cdm_jscc.codec import Codec, Receiving, Sending
from semcom.models.cdm_jscc.engine import load
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.codec import Frame
from semcom.models.model_card import ModelCard, card_path
from semcom.models.patch_rates.rate_map import LEVELS
from semcom.models.training.train import train
from semcom.models.weights.file import sha256_of
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.rate_map import RateMap


@pytest.fixture(scope="module")
def weights(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = recipe(CdmJsccRun, steps=4, fit_crops=8, validation_pictures=1)
    return train(CdmJsccRun, config, pictures, tmp_path_factory.mktemp("weights")).weights


@pytest.fixture(scope="module")
def codec(weights: Path) -> Codec:
    return load("d", weights)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (np.cumsum(rng.normal(0, 4, (height, width, 3)), 1) + 120).clip(0, 255).astype(np.uint8)


def sent(codec: Codec, image: np.ndarray, **sending: Any) -> Frame:
    return codec.encode(image, Sending(**{"eta": 0.2, **sending}))


def levels_of(frame: Frame) -> np.ndarray:
    return frame.heard(0.1).header.read(RateMap).array()


def heard(
    codec: Codec, frame: Frame, n0: float | np.ndarray = 0.1, features: np.ndarray | None = None, **receiving: Any
) -> np.ndarray:
    return codec.decode(frame.heard(n0, features, np.random.default_rng(9)), Receiving(**receiving))


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 40), (64, 33)])
def test_any_size_goes_and_comes_back(codec: Codec, size: tuple[int, int]) -> None:
    frame = sent(codec, picture(*size))
    levels = levels_of(frame)
    assert levels.shape == (-(-size[0] // 16), -(-size[1] // 16))
    assert frame.features.size == sum(LEVELS[level] for level in levels.ravel().tolist())
    out = heard(codec, frame, steps=4)
    assert (out.shape, out.dtype) == ((*size, 3), np.uint8)
    np.testing.assert_array_equal(out, heard(codec, frame, steps=4))


def test_a_clean_channel_brings_the_picture_back(codec: Codec) -> None:
    """All components of the linear code, hardly any noise: what is left is what 256 of 768 components leave out."""
    image = picture(64, 64)
    frame = sent(codec, image, esn0_db=20, eta=64)
    assert set(levels_of(frame).ravel().tolist()) == {15}
    fine, noisy = (heard(codec, frame, n0, guidance=0) for n0 in (1e-4, 10.0))
    fine_error, noisy_error = (np.square(out.astype(float) - image).mean() for out in (fine, noisy))
    assert fine_error < 0.3 * np.square(image - image.mean((0, 1))).mean()
    assert fine_error < noisy_error  # who believes that all is noise keeps to the mean


def test_no_guidance_is_the_estimate_whatever_is_drawn(codec: Codec) -> None:
    frame = sent(codec, picture(32, 32))
    one, other = (heard(codec, frame, guidance=0, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(one, other)
    assert (heard(codec, frame, seed=1) != heard(codec, frame, seed=2)).any()


def test_half_the_digits_are_enough_for_the_receiver(weights: Path, codec: Codec) -> None:
    reduced = load("d", weights, precision="bfloat16")
    frame, again = (sent(one, picture(48, 64), eta=0.3) for one in (codec, reduced))
    np.testing.assert_array_equal(frame.features, again.features)
    assert frame.header == again.header
    outs = [heard(one, frame, steps=4) for one in (codec, reduced)]
    apart = outs[0].astype(int) - outs[1]
    assert np.square(apart).mean() < 255**2 / 10**4.5  # 45 dB
    assert apart.any()  # or it would not have been used


def test_noise_that_differs_by_symbol_is_heeded(codec: Codec) -> None:
    frame = sent(codec, picture(32, 32))
    even = heard(codec, frame, guidance=0)
    mixed = np.full(frame.features.shape, 0.1, np.float32)
    np.testing.assert_array_equal(even, heard(codec, frame, mixed, guidance=0))
    mixed[::2] = 1e6
    assert (heard(codec, frame, mixed, guidance=0) != even).any()


@pytest.mark.parametrize("image", [np.zeros((16, 16), np.uint8), np.zeros((16, 16, 3), np.float32)])
def test_no_picture_is_said(codec: Codec, image: np.ndarray) -> None:
    with pytest.raises(SignalError, match=r"cdm-jscc: expected a picture, uint8 \[H, W, 3\], got"):
        sent(codec, image)


def test_pixels_are_looked_at_once(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entropies and features are asked for one after the other, of the same latents."""
    engine, seen = codec.engine, []
    real = engine.network.entropy  # type: ignore[attr-defined]
    monkeypatch.setattr(engine.network, "entropy", lambda *given: seen.append(1) or real(*given))  # type: ignore[attr-defined]
    one, other = (sent(codec, picture(32, 32, seed)).features for seed in (1, 2))
    assert len(seen) == 2
    assert one.shape != other.shape or (one != other).any()


def test_frames_that_do_not_fit_are_said(codec: Codec) -> None:
    frame = sent(codec, picture(32, 48))
    shape, model, mode, rates = frame.header
    with pytest.raises(
        SignalError, match=r"expected a rate map \[3, 3\] for 33 x 48 pixels, got \[2, 3\]; the header is"
    ):
        heard(codec, frame._replace(header=(ImageShape(33, 48), model, mode, rates)))
    most = RateMap.of(np.full((2, 3), 15, np.uint8))
    with pytest.raises(SignalError, match="expected 1536 features for 32 x 48 pixels, as the header says"):
        heard(codec, frame._replace(header=(shape, model, mode, most)))
    bad = frame.features.copy()
    bad[3] = np.nan
    with pytest.raises(SignalError, match="expected finite features and n0 of at least 0, got 1 features and 0 n0"):
        heard(codec, frame, 0.1, bad)
    with pytest.raises(SignalError, match="expected finite features and n0 of at least 0"):
        heard(codec, frame, float("inf"))
    with pytest.raises(SignalError, match="expected n0 as one number or"):
        heard(codec, frame, np.full(3, 0.1, np.float32))


@pytest.mark.parametrize("n0", [0.0, 1e-30, 1e4, 1e30])
def test_any_noise_level_gives_a_picture(codec: Codec, n0: float) -> None:
    frame = sent(codec, picture(32, 32), esn0_db=-30)
    for scale in (1.0, 1e6):
        out = heard(codec, frame, n0, frame.features * np.float32(scale), steps=4)
        assert out.shape == (32, 32, 3)


def test_weights_of_another_network_are_said(weights: Path, tmp_path: Path) -> None:
    card = ModelCard.read(card_path(weights))
    other = tmp_path / "other.safetensors"
    save_file({k: v for k, v in load_file(weights).items() if not k.startswith("unet.")}, other)
    changed = card.model_copy(update={"file": other.name, "sha256": sha256_of(other)})
    card_path(other).write_text(changed.model_dump_json())
    with pytest.raises(WeightsError, match="its tensors do not fit the sizes that its card gives"):
        load("d", other)
    card_path(other).write_text(changed.model_copy(update={"config": {"network": "adaptive"}}).model_dump_json())
    with pytest.raises(WeightsError, match="its card describes no network of cdm-jscc"):
        load("d", other)
    with pytest.raises(UsageError, match="no weights 'zz' are shipped; expected one of"):
        load("zz")
