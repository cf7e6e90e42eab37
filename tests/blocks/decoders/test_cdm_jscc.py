import functools
from typing import Any

import numpy as np
import pytest
import torch
from semcom.blocks.decoders.cdm_jscc import CdmJscc
from semcom.blocks.encoders.cdm_jscc import CdmJscc as Encoder
from semcom.blocks.envelope import Header, HeaderEntry, Identity, State
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.cdm_jscc.names import Variant
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.rate_map import RateMap

STATE = State(n0=0.1)


@functools.cache
def block(**params: Any) -> CdmJscc:
    torch.set_num_threads(1)
    made = CdmJscc(CdmJscc.Params.model_validate(params), name="decoder", seed=7)
    made.start()
    return made


def photo(height: int = 48, width: int = 64) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4 + 120).clip(0, 255).astype(np.uint8)


@functools.cache
def encoder(eta: float, variant: Variant = "d") -> Encoder:
    torch.set_num_threads(1)
    made = Encoder(Encoder.Params(eta=eta, variant=variant), name="encoder", seed=7)
    made.start()
    return made


def frame(image: np.ndarray, eta: float = 0.3, variant: Variant = "d") -> tuple[np.ndarray, Header]:
    out = encoder(eta, variant).work(image)
    return out.value, Header().with_fields(*out.header)


def noisy(features: np.ndarray, n0: float | np.ndarray) -> np.ndarray:
    """Noise of variance n0 a symbol of unit energy, in the features' own scale."""
    scale = np.sqrt(2 * np.mean(np.square(features, dtype=float)))
    noise = np.random.default_rng(3).standard_normal(features.size) * np.sqrt(np.broadcast_to(n0, features.shape) / 2)
    return (features + scale * noise).astype(np.float32)


def mse(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.mean((one.astype(float) - other) ** 2))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (1, 1), (33, 70)])
def test_a_picture_of_any_size_comes_back(height: int, width: int) -> None:
    image = photo(height, width)
    features, header = frame(image, eta=1.0)
    out = block(variant="d", steps=1).work(noisy(features, 0.1), header, STATE, Identity(0))
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    assert mse(out, image) < 0.7 * mse(image, np.full_like(image, 118)) + 60


def test_both_variants_understand_the_same_frame() -> None:
    features, header = frame(photo())
    received = noisy(features, 0.1)
    p, d = (block(variant=variant).work(received, header, STATE, Identity(0)) for variant in ("p", "d"))
    bare = [block(variant=name, guidance=0).work(received, header, STATE, Identity(0)) for name in ("p", "d")]
    np.testing.assert_array_equal(*bare)  # one backbone: without the diffusion they are the same
    assert not np.array_equal(p, bare[0])
    assert not np.array_equal(d, bare[0])


def test_p_behind_ntscc_understands_its_own_frames_alone() -> None:
    image = photo(128, 160)
    features, header = frame(image, eta=0.5, variant="ntscc-p")
    received = noisy(features, 0.1)
    estimate = block(variant="ntscc-p", guidance=0).work(received, header, STATE, Identity(0))
    picture = block(variant="ntscc-p").work(received, header, STATE, Identity(0))
    assert not np.array_equal(picture, estimate)
    assert max(mse(picture, image), mse(estimate, image)) < 0.1 * np.var(image.astype(float))
    for theirs, ours in (("ntscc-p", "d"), ("d", "ntscc-p")):
        sent = frame(image, eta=0.5, variant=theirs)
        with pytest.raises(
            SignalError, match=rf"expected a frame for {ours} with weights .*, got one of {theirs} with"
        ):
            block(variant=ours).work(*sent, STATE, Identity(0))


def test_the_noise_is_that_of_the_item_or_of_a_seed() -> None:
    features, header = frame(photo())
    received = noisy(features, 0.1)
    free, fixed = block(steps=4), block(steps=4, seed=3)
    one, other = (free.work(received, header, STATE, Identity(seq)) for seq in (0, 1))
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, block(steps=4).work(received, header, STATE, Identity(0)))
    same = [fixed.work(received, header, STATE, Identity(seq)) for seq in (0, 1)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], block(steps=4, seed=4).work(received, header, STATE, Identity(0)))


def test_knowing_the_noise_of_each_symbol_helps() -> None:
    image = photo(64, 64)
    features, header = frame(image)
    level = np.repeat(np.where(np.arange(features.size // 2) % 2, 10.0, 0.05), 2).astype(np.float32)
    state = State(n0=level[::2])
    aware, unaware = (
        block(guidance=0, fading_aware=on).work(noisy(features, level), header, state, Identity(0))
        for on in ("on", "off")
    )
    assert mse(aware, image) < mse(unaware, image)
    mean = float(1 / np.mean(1 / level.astype(float)))
    told = block(guidance=0).work(noisy(features, level), header, State(n0=mean), Identity(0))
    np.testing.assert_array_equal(unaware, told)


@pytest.mark.parametrize("n0", [0.0, 10.0, 1000.0])
def test_the_best_and_the_worst_channels_give_a_picture(n0: float) -> None:
    features, header = frame(photo())
    assert block(steps=2).work(noisy(features, n0), header, State(n0=n0), Identity(0)).shape == (48, 64, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(value: float) -> None:
    features, header = frame(photo())
    features = features.copy()
    features[5] = value
    with pytest.raises(
        SignalError, match="cdm-jscc: expected finite features and n0 of at least 0, got 1 features and 0 n0 of"
    ):
        block().work(features, header, STATE, Identity(0))
    with pytest.raises(SignalError, match="expected finite features and n0 of at least 0"):
        block().work(np.zeros_like(features), header, State(n0=value), Identity(0))


def test_a_frame_of_other_weights() -> None:
    features, header = frame(photo())
    model = header.read(ModelId)
    other = header.with_fields(ModelId(model.number, model.weights ^ 1))
    with pytest.raises(SignalError) as caught:
        block(variant="p").work(features, other, STATE, Identity(0))
    assert str(caught.value) == (
        f"cdm-jscc: expected a frame for p with weights {model.weights:04x}, got one of d with weights "
        f"{model.weights ^ 1:04x}; give encoder and decoder the same variant, and weights of one training"
    )
    with pytest.raises(
        SignalError,
        match=r"models 16 \(d\), 17 \(p\), 18 \(ntscc-d\), 19 \(ntscc-p\), got model 1; connect the decoder that",
    ):
        block().work(features, header.with_fields(ModelId(1, model.weights)), STATE, Identity(0))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (ImageShape(48, 1), r"RateMap: expected \d+ bits, got \d+; they are of another field"),
        (ImageShape(65535, 65535), r"arithmetic code: expected a word of more than \d+ bits; it is cut short"),
        (
            RateMap.of(np.full((3, 4), 15, np.uint8)),
            r"expected 3072 features for 48 x 64 pixels, as the header says, got \[\d+\]",
        ),
    ],
)
def test_a_header_of_another_picture(change: Any, expected: str) -> None:
    features, header = frame(photo())
    with pytest.raises(SignalError, match=expected):
        block().work(features, header.with_fields(change), STATE, Identity(0))


@pytest.mark.parametrize("esn0_db", [21, 31])
def test_an_snr_that_no_encoder_writes(esn0_db: int) -> None:
    features, header = frame(photo())
    bits = np.array([0, 0, 1, 1, *map(int, f"{esn0_db:05b}")], np.uint8)
    lie = Header({**header, "CdmMode": HeaderEntry(9, np.packbits(bits).tobytes())})
    with pytest.raises(SignalError, match=f"CdmMode.esn0_db: expected 0 to 20, got {esn0_db}"):
        block(variant="d").work(features, lie, STATE, Identity(0))


def test_noise_that_nobody_measured() -> None:
    features, header = frame(photo())
    with pytest.raises(SignalError, match=r"decoders/cdm_jscc: expected n0 in the receiver's state, got none"):
        block().work(features, header, State(), Identity(0))


def test_weights_that_are_not_there() -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: no such file of weights"):
        block(weights="none.safetensors")


def test_half_precision_is_nearly_the_same_picture() -> None:
    features, header = frame(photo())
    one, other = (
        block(variant="d", precision=precision).work(features, header, STATE, Identity(0)).astype(int)
        for precision in ("float32", "bfloat16")
    )
    assert 0 < np.abs(one - other).max() <= 8
    assert np.abs(one - other).mean() < 0.5


def test_a_gpu_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="decoders/cdm_jscc: device: expected cpu, got cuda, and this torch finds no"):
        block(device="cuda")
