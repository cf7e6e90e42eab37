from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.cdm_jscc.codec import CdmJsccCodec, Encoded
from semcom.models.cdm_jscc.rate_map import LEVELS
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.model_card import ModelCard, card_path
from semcom.models.training.train import train
from semcom.models.weights.file import sha256_of
from semcom.sim.side_information.rate_map import RateMap


@pytest.fixture(scope="module")
def weights(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = recipe(CdmJsccRun, steps=4, fit_crops=8, validation_pictures=1)
    return train(CdmJsccRun, config, pictures, tmp_path_factory.mktemp("weights")).weights


@pytest.fixture(scope="module")
def codec(weights: Path) -> CdmJsccCodec:
    return CdmJsccCodec(weights)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (np.cumsum(rng.normal(0, 4, (height, width, 3)), 1) + 120).clip(0, 255).astype(np.uint8)


def noise_for(frame: Encoded) -> np.ndarray:
    rows, columns = frame.levels.shape
    return np.random.default_rng(9).standard_normal((16 * rows, 16 * columns, 3), np.float32)


def told(frame: Encoded, height: int, width: int, **changes: Any) -> dict[str, Any]:
    given = {"levels": frame.levels, "eta_index": frame.eta_index, "esn0_db": 10.0, "height": height, "width": width}
    return {**given, **changes}


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 40), (64, 33)])
def test_any_size_goes_and_comes_back(codec: CdmJsccCodec, size: tuple[int, int]) -> None:
    frame = codec.encode(picture(*size), esn0_db=10, eta=0.2)
    assert frame.levels.shape == (-(-size[0] // 16), -(-size[1] // 16))
    assert frame.features.size == sum(LEVELS[level] for level in frame.levels.ravel().tolist())
    out = codec.decode(frame.features, 0.1, noise=noise_for(frame), **told(frame, *size))
    assert (out.shape, out.dtype) == ((*size, 3), np.uint8)
    np.testing.assert_array_equal(out, codec.decode(frame.features, 0.1, noise=noise_for(frame), **told(frame, *size)))


def test_a_budget_of_symbols_is_kept_to(codec: CdmJsccCodec) -> None:
    image = picture(64, 64)
    for uses in (128, 300, 700, 2048):
        frame = codec.encode(image, esn0_db=10, frame_uses=uses)
        assert frame.features.size / 2 + 2 * RateMap.of(frame.levels).bits() <= max(uses, 140)
        free = codec.encode(image, esn0_db=10, frame_uses=uses, rate_map="given")
        assert frame.features.size / 2 <= free.features.size / 2 <= uses
    assert codec.encode(image, esn0_db=10, frame_uses=2).features.size / 2 == 16 * 8  # the least there is


def test_a_clean_channel_brings_the_picture_back(codec: CdmJsccCodec) -> None:
    """All components of the linear code, hardly any noise: what is left is what 256 of 768 components leave out."""
    image = picture(64, 64)
    frame = codec.encode(image, esn0_db=20, eta=100.0)
    assert set(frame.levels.ravel().tolist()) == {15}
    fine = codec.decode(frame.features, 1e-4, guidance=0, **told(frame, 64, 64, esn0_db=20))
    noisy = codec.decode(frame.features, 10.0, guidance=0, **told(frame, 64, 64, esn0_db=20))
    fine_error, noisy_error = (np.square(out.astype(float) - image).mean() for out in (fine, noisy))
    assert fine_error < 0.3 * np.square(image - image.mean((0, 1))).mean()
    assert fine_error < noisy_error  # who believes that all is noise keeps to the mean


def test_no_guidance_is_the_estimate(codec: CdmJsccCodec) -> None:
    frame = codec.encode(picture(32, 32), esn0_db=10, eta=0.2)
    plain = codec.decode(frame.features, 0.1, guidance=0, **told(frame, 32, 32))
    np.testing.assert_array_equal(plain, codec.decode(frame.features, 0.1, guidance=0, **told(frame, 32, 32)))


def test_half_the_digits_are_enough_for_the_receiver(weights: Path, codec: CdmJsccCodec) -> None:
    reduced = CdmJsccCodec(weights, precision="bfloat16")
    image = picture(48, 64)
    frame, again = (one.encode(image, esn0_db=10, eta=0.3) for one in (codec, reduced))
    np.testing.assert_array_equal(frame.features, again.features)
    np.testing.assert_array_equal(frame.levels, again.levels)
    outs = [one.decode(frame.features, 0.1, noise=noise_for(frame), **told(frame, 48, 64)) for one in (codec, reduced)]
    apart = outs[0].astype(int) - outs[1]
    assert np.square(apart).mean() < 255**2 / 10**4.5  # 45 dB
    assert apart.any()  # or it would not have been used


def test_noise_that_differs_by_symbol_is_heeded(codec: CdmJsccCodec) -> None:
    frame = codec.encode(picture(32, 32), esn0_db=10, eta=0.2)
    even = codec.decode(frame.features, 0.1, guidance=0, **told(frame, 32, 32))
    same = codec.decode(
        frame.features, np.full(frame.features.shape, 0.1, np.float32), guidance=0, **told(frame, 32, 32)
    )
    np.testing.assert_array_equal(even, same)
    mixed = np.full(frame.features.shape, 0.1, np.float32)
    mixed[::2] = 1e6
    assert (codec.decode(frame.features, mixed, guidance=0, **told(frame, 32, 32)) != even).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "expected one of eta and frame_uses, above 0, got eta=None, frame_uses=None"),
        ({"eta": 1.0, "frame_uses": 9}, "expected one of eta and frame_uses"),
        ({"eta": 0.0}, "above 0, got eta=0.0"),
        ({"eta": float("nan")}, "above 0, got eta=nan"),
        ({"frame_uses": float("inf")}, "above 0, got eta=None, frame_uses=inf"),
    ],
)
def test_rates_that_are_none_are_said(codec: CdmJsccCodec, given: dict[str, float], message: str) -> None:
    with pytest.raises(SignalError, match=message):
        codec.encode(picture(16, 16), esn0_db=10, **given)


@pytest.mark.parametrize(
    "image", [np.zeros((16, 16), np.uint8), np.zeros((16, 16, 3), np.float32), np.zeros((0, 16, 3), np.uint8)]
)
def test_no_picture_is_said(codec: CdmJsccCodec, image: np.ndarray) -> None:
    with pytest.raises(SignalError, match=r"cdm-jscc: expected a picture, uint8 \[H, W, 3\], got"):
        codec.encode(image, esn0_db=10, eta=0.1)


def test_frames_that_do_not_fit_are_said(codec: CdmJsccCodec) -> None:
    frame = codec.encode(picture(32, 48), esn0_db=10, eta=0.2)
    given, noise = told(frame, 32, 48), noise_for(frame)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"height": 33}, r"expected a rate map \[3, 3\] of levels below 16"),
        ({"height": 0}, "expected a picture of at least 1 x 1, got 0 x 48"),
        ({"levels": frame.levels + 16}, "the header is of another picture"),
        ({"eta_index": 16}, "expected an index of eta below 16, got 16"),
        ({"levels": np.full_like(frame.levels, 15)}, "features, as the rate map says"),
    ]
    for changes, message in wrong:
        with pytest.raises(SignalError, match=message):
            codec.decode(frame.features, 0.1, noise=noise, **{**given, **changes})
    bad = frame.features.copy()
    bad[3] = np.nan
    with pytest.raises(SignalError, match="expected finite features and n0 of at least 0"):
        codec.decode(bad, 0.1, noise=noise, **given)
    with pytest.raises(SignalError, match="expected finite features and n0 of at least 0"):
        codec.decode(frame.features, float("inf"), noise=noise, **given)
    with pytest.raises(SignalError, match="expected n0 as one number or"):
        codec.decode(frame.features, np.full(3, 0.1, np.float32), noise=noise, **given)
    with pytest.raises(SignalError, match=r"expected noise \[32, 48, 3\], got none"):
        codec.decode(frame.features, 0.1, **given)
    with pytest.raises(UsageError, match="steps: expected 1 to 65, got 66"):
        codec.decode(frame.features, 0.1, steps=66, noise=noise, **given)


@pytest.mark.parametrize("n0", [0.0, 1e-30, 1e4, 1e30])
def test_any_noise_level_gives_a_picture(codec: CdmJsccCodec, n0: float) -> None:
    frame = codec.encode(picture(32, 32), esn0_db=-30, eta=0.2)
    for scale in (1.0, 1e6):
        out = codec.decode(frame.features * scale, n0, noise=noise_for(frame), **told(frame, 32, 32, esn0_db=-30))
        assert out.shape == (32, 32, 3)


def test_weights_of_another_network_are_said(weights: Path, tmp_path: Path) -> None:
    card = ModelCard.read(card_path(weights))
    other = tmp_path / "other.safetensors"
    save_file({k: v for k, v in load_file(weights).items() if not k.startswith("unet.")}, other)
    changed = card.model_copy(update={"file": other.name, "sha256": sha256_of(other)})
    card_path(other).write_text(changed.model_dump_json())
    with pytest.raises(WeightsError, match="its tensors do not fit the sizes that its card gives"):
        CdmJsccCodec(other)
    card_path(other).write_text(changed.model_copy(update={"config": {"network": "adaptive"}}).model_dump_json())
    with pytest.raises(WeightsError, match="not weights of CDM-JSCC"):
        CdmJsccCodec(other)
    with pytest.raises(UsageError, match="no weights 'zz' are shipped; expected one of"):
        CdmJsccCodec(variant="zz")
