"""`mappers/features_to_bits` and `mappers/bits_to_features`."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from semcom.blocks.envelope import Header, State
from semcom.blocks.mappers.bits_to_features import BitsToFeatures
from semcom.blocks.mappers.features_to_bits import FeaturesToBits
from semcom.errors import SignalError
from semcom.sim.side_information.feature_code import FeatureCode
from semcom.sim.side_information.feature_shape import FeatureShape
from semcom.sim.side_information.full_scale import FullScale


def sent(features: np.ndarray, **params: Any) -> tuple[np.ndarray, Header]:
    out = FeaturesToBits(FeaturesToBits.Params(**params)).work(features)
    return out.value, Header().with_fields(*out.header)


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float32, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5), elements=st.floats(-50, 50, width=32)
    ),
    st.integers(1, 16),
)
def test_there_and_back(features: np.ndarray, bits_per_value: int) -> None:
    bits, header = sent(features, bits_per_value=bits_per_value)
    assert bits.size == features.size * bits_per_value
    back = BitsToFeatures().work(bits, header).value
    assert back.shape == features.shape
    assert back.dtype == np.float32
    largest = np.abs(features).max(initial=0)
    np.testing.assert_allclose(back, features, atol=largest / 2**bits_per_value * 1.002 + 1e-7)
    back = BitsToFeatures().work(*sent(features, format="minifloat")).value
    np.testing.assert_allclose(back, features, rtol=1 / 16, atol=2.0**-10)


def test_the_noise_of_the_channel_is_gone() -> None:
    out = BitsToFeatures().work(*sent(np.ones(3, np.float32)))
    assert State(n0=np.ones(12, np.float32)).updated(out.state).n0 == 0


def test_the_most_significant_bit_comes_first() -> None:
    bits, _ = sent(np.array([-0.9, 0.9], np.float32), bits_per_value=2, full_scale=1.0)
    np.testing.assert_array_equal(bits, [0, 0, 1, 1])
    bits, _ = sent(np.array([-1.0], np.float32), format="minifloat")
    np.testing.assert_array_equal(bits, [1, 0, 1, 1, 1, 0, 0, 0])


def test_the_header_is_charged() -> None:
    features = np.ones((4, 6, 6), np.float32)
    assert sent(features)[1].bits == (3 + 3 * 16) + (5 + 15)
    assert sent(features.reshape(-1))[1].bits == 3 + 5 + 15
    assert sent(features.reshape(-1), full_scale=2.0)[1].bits == 3 + 5 + 15
    assert sent(features.reshape(-1), format="minifloat")[1].bits == 3 + 5
    scale = sent(np.array([0.1, -1.2345], np.float32))[1].read(FullScale).full_scale
    assert scale == float(np.float16(scale))
    assert 1.2345 <= scale < 1.2345 * 1.001


@pytest.mark.parametrize("params", [{"bits_per_value": 11}, {"format": "minifloat"}, {"full_scale": 5.0}])
def test_any_bits_are_numbers_within_full_scale(params: dict[str, Any]) -> None:
    features = np.random.default_rng(0).normal(0, 3, (10, 20)).astype(np.float32)
    bits, header = sent(features, **params)
    wrong = np.random.default_rng(1).integers(0, 2, bits.size, dtype=np.uint8)
    back = BitsToFeatures().work(wrong, header).value
    assert np.isfinite(back).all()
    assert np.abs(back).max() <= (480 if "format" in params else header.read(FullScale).full_scale)


@pytest.mark.parametrize("shape", [(0,), (0, 3), ()])
def test_frames_of_zeros_and_empty_ones(shape: tuple[int, ...]) -> None:
    back = BitsToFeatures().work(*sent(np.zeros(shape, np.float32))).value
    assert back.shape == shape
    assert not back.any()


def test_what_cannot_be_sent_is_refused() -> None:
    for value in (np.nan, np.inf):
        with pytest.raises(SignalError, match="expected finite features, got NaN or infinity"):
            sent(np.array([value], np.float32), format="minifloat")
    with pytest.raises(SignalError, match="expected magnitudes of at most 65504, got 1e"):
        sent(np.array([1e9], np.float32))
    assert sent(np.array([1e9], np.float32), full_scale=65504)[0].size == 8
    with pytest.raises(SignalError, match="expected at most 7 axes of at most 65535 values"):
        sent(np.zeros((1, 65536), np.float32))
    with pytest.raises(SignalError, match="expected at most 7 axes"):
        sent(np.zeros((1,) * 8, np.float32))


@pytest.mark.parametrize(
    ("shape", "how", "message"),
    [
        ((3, 1), FeatureCode("uniform", 8), r"expected 8 bits for each value of shape \[3, 1\].*got 16 bits"),
        ((65535,) * 7, FeatureCode("uniform", 8), "expected 8 bits for each value"),
        ((-1,), FeatureCode("uniform", 7), r"expected 7 bits for each value of shape \[-1\].*got 16 bits"),
        ((-1,), FeatureCode("minifloat", 7), "expected 8 bits per value of a minifloat, got 7"),
    ],
)
def test_headers_nobody_sends_are_refused(shape: tuple[int, ...], how: FeatureCode, message: str) -> None:
    header = Header().with_fields(FeatureShape(shape), how, FullScale(1.0))
    with pytest.raises(SignalError, match=message):
        BitsToFeatures().work(np.zeros(16, np.uint8), header)


def test_what_are_no_bits_is_refused() -> None:
    header = Header().with_fields(FeatureShape((-1,)), FeatureCode("uniform", 8), FullScale(1.0))
    with pytest.raises(SignalError, match="mappers/bits_to_features: expected bits of 0 and 1, got 9"):
        BitsToFeatures().work(np.full(16, 9, np.uint8), header)
    with pytest.raises(SignalError, match="expected FeatureShape, got nothing"):
        BitsToFeatures().work(np.zeros(16, np.uint8), Header())


def test_a_full_scale_is_rounded_up_to_what_is_told() -> None:
    """0.3 lies between the half-precision numbers 0.29980 and 0.30005; the step above 0.3 is told."""
    header = sent(np.zeros(4, np.float32), full_scale=0.3)[1]
    assert header.read(FullScale).full_scale == float(np.nextafter(np.float16(0.2998), np.float16(1)))
