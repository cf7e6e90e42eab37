"""`mappers/real_to_complex` and its inverse `mappers/complex_to_real`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from semcom.blocks.envelope import Header
from semcom.blocks.mappers.complex_to_real import ComplexToReal
from semcom.blocks.mappers.real_to_complex import RealToComplex
from semcom.errors import SignalError
from semcom.sim.side_information.power_scale import PowerScale


def there_and_back(features: np.ndarray) -> tuple[np.ndarray, PowerScale, np.ndarray]:
    out = RealToComplex().work(features)
    (power,) = out.header
    assert isinstance(power, PowerScale)
    return out.value, power, ComplexToReal().work(out.value, Header().with_fields(power))


def test_pairs_are_interleaved_and_of_unit_energy() -> None:
    features = np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3)
    symbols, power, back = there_and_back(features)
    np.testing.assert_allclose(symbols * power.scale, [1 + 2j, 3 + 4j, 5 + 6j], rtol=1e-6)
    assert np.mean(np.abs(symbols) ** 2) == pytest.approx(1, abs=2e-3)
    np.testing.assert_allclose(back, np.arange(1, 7), rtol=1e-6)
    assert symbols.dtype == np.complex64
    assert back.dtype == np.float32


def test_the_scale_is_what_sixteen_bits_carry() -> None:
    _, power, _ = there_and_back(np.random.default_rng(1).normal(0, 3.3, 1001).astype(np.float32))
    assert power.scale == float(np.float16(power.scale))
    assert power.padded
    assert power.bits() == 16
    assert Header().with_fields(power).bits == 16


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.float32, st.integers(0, 50), elements=st.floats(-1000, 1000, width=32).filter(lambda v: abs(v) > 1e-3))
)
def test_there_and_back(features: np.ndarray) -> None:
    symbols, _, back = there_and_back(features)
    assert symbols.size == (features.size + 1) // 2
    np.testing.assert_allclose(back, features, rtol=1e-5)
    if features.size:
        assert np.mean(np.abs(symbols) ** 2) == pytest.approx(1, abs=2e-3)


def test_a_frame_of_zeros_stays_zeros() -> None:
    symbols, power, back = there_and_back(np.zeros(7, np.float32))
    assert not symbols.any()
    assert symbols.size == 4
    assert power == PowerScale(0.0, padded=True)
    np.testing.assert_array_equal(back, np.zeros(7))


def test_power_is_per_frame() -> None:
    rng = np.random.default_rng(2)
    for deviation in (0.01, 1, 300):
        symbols, _, _ = there_and_back(rng.normal(0, deviation, 500).astype(np.float32))
        assert np.mean(np.abs(symbols) ** 2) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_features_without_a_scale_are_refused(value: float) -> None:
    features = np.ones(4, np.float32)
    features[1] = value
    with pytest.raises(SignalError, match="expected finite features with a root mean square of at most 65504, got"):
        RealToComplex().work(features)


def test_without_a_mapper_upstream() -> None:
    with pytest.raises(SignalError, match="expected PowerScale, got nothing"):
        ComplexToReal().work(np.ones(2, np.complex64), Header())


def test_an_agreed_scale_is_not_sent_and_what_comes_out_has_its_power() -> None:
    features = 3 * np.random.default_rng(1).standard_normal(999).astype(np.float32)
    out = RealToComplex(RealToComplex.Params(scale=2**0.5)).work(features)
    header = Header().with_fields(*out.header)
    assert header.bits == 0
    assert np.mean(np.abs(out.value) ** 2) == pytest.approx(1, abs=2e-3)
    back = ComplexToReal().work(out.value, header)
    assert back.shape == features.shape
    rms = np.sqrt(np.sum(features.astype(float) ** 2) / 500)
    np.testing.assert_allclose(back, features * (np.float16(2**0.5) / rms), rtol=1e-2, atol=1e-4)
    told = ComplexToReal(ComplexToReal.Params(scale=2**0.5)).work(out.value, Header())  # hears no header
    np.testing.assert_array_equal(told, np.append(back, np.float32(0)))


@pytest.mark.parametrize("scale", [0, -1, 1e-9, float("inf"), float("nan"), "agreed"])
def test_a_scale_that_none_can_multiply_by_is_refused(scale: object) -> None:
    with pytest.raises(ValidationError, match="scale"):
        RealToComplex.Params.model_validate({"scale": scale})
