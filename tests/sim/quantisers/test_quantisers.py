"""`sim.quantisers.uniform` and `sim.quantisers.minifloat`."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from semcom.errors import SignalError
from semcom.sim.quantisers.minifloat import LARGEST_MINIFLOAT, from_minifloat, to_minifloat
from semcom.sim.quantisers.uniform import dequantise_uniform, quantise_uniform

CODES = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("bits_per_value", [1, 3, 8, 12])
@pytest.mark.parametrize("full_scale", [0.7, 12.0])
def test_uniform_values_err_by_a_twelfth_of_the_squared_step(bits_per_value: int, full_scale: float) -> None:
    x = np.random.default_rng(bits_per_value).uniform(-full_scale, full_scale, 100_000)
    step = 2 * full_scale / 2**bits_per_value
    error = dequantise_uniform(quantise_uniform(x, bits_per_value, full_scale), bits_per_value, full_scale) - x
    assert np.abs(error).max() <= step / 2 * 1.001
    squared = error**2
    width = stats.norm.isf(0.5e-6) * squared.std() / np.sqrt(x.size)
    assert abs(squared.mean() - step**2 / 12) < width


def test_two_levels_of_a_gaussian() -> None:
    """One bit on +-A gives +-A/2, with an error of 1 + A^2/4 - A sqrt(2/pi) for a standard normal."""
    x = np.random.default_rng(0).standard_normal(200_000)
    for full_scale in (1.0, 2 * np.sqrt(2 / np.pi)):
        squared = (dequantise_uniform(quantise_uniform(x, 1, full_scale), 1, full_scale) - x) ** 2
        width = stats.norm.isf(0.5e-6) * squared.std() / np.sqrt(x.size)
        assert abs(squared.mean() - (1 + full_scale**2 / 4 - full_scale * np.sqrt(2 / np.pi))) < width


@pytest.mark.parametrize("bits_per_value", [1, 8, 16])
def test_uniform_levels_are_kept_and_all_used(bits_per_value: int) -> None:
    codes = np.arange(2**bits_per_value)
    values = dequantise_uniform(codes, bits_per_value, 3.0)
    np.testing.assert_array_equal(quantise_uniform(values, bits_per_value, 3.0), codes)
    np.testing.assert_array_equal(
        quantise_uniform(np.array([-np.inf, -3.1, 3.0, np.inf]), bits_per_value, 3.0), [0, 0, codes[-1], codes[-1]]
    )
    assert not dequantise_uniform(quantise_uniform(np.zeros(2), bits_per_value, 0.0), bits_per_value, 0.0).any()


def test_every_minifloat_is_the_number_of_its_digits() -> None:
    for code in range(256):
        digits = f"{code:08b}"
        exponent, mantissa = int(digits[1:5], 2), int(digits[5:], 2)
        size = mantissa * 2.0**-9 if exponent == 0 else (8 + mantissa) * 2.0 ** (exponent - 10)
        assert from_minifloat(np.array([code], np.uint8))[0] == (-1) ** int(digits[0]) * size
    assert from_minifloat(CODES).max() == LARGEST_MINIFLOAT == 480
    np.testing.assert_array_equal(to_minifloat(from_minifloat(CODES)), CODES)  # -0 included


def test_minifloats_are_those_of_torch_but_for_nan() -> None:
    theirs = torch.from_numpy(CODES).view(torch.float8_e4m3fn).float().numpy()
    numbers = np.isfinite(theirs)
    np.testing.assert_array_equal(CODES[~numbers], [0x7F, 0xFF])
    np.testing.assert_array_equal(from_minifloat(CODES)[numbers], theirs[numbers])
    np.testing.assert_array_equal(from_minifloat(CODES[~numbers]), [480, -480])


@given(arrays(np.float32, 30, elements=st.floats(-448, 448, width=32)))
def test_minifloats_round_as_torch_does(x: np.ndarray) -> None:
    theirs = torch.from_numpy(x).to(torch.float8_e4m3fn).view(torch.uint8).numpy()
    np.testing.assert_array_equal(to_minifloat(x), theirs)


def test_minifloat_ties_go_to_the_even_code_and_large_numbers_saturate() -> None:
    values = from_minifloat(np.arange(128, dtype=np.uint8)).astype(float)
    ties = (values[1:] + values[:-1]) / 2
    np.testing.assert_array_equal(to_minifloat(ties), (np.arange(127) + 1) // 2 * 2 - (np.arange(127) == 126) * 0)
    np.testing.assert_array_equal(to_minifloat(np.array([481, 1e30, np.inf, -1e9])), [127, 127, 127, 255])


def test_minifloat_errors_are_relative() -> None:
    x = np.exp(np.random.default_rng(1).uniform(np.log(2.0**-6), np.log(480), 50_000))
    assert np.abs(from_minifloat(to_minifloat(x)) / x - 1).max() <= 1 / 16


def test_errors_say_what_was_expected() -> None:
    for quantise in (to_minifloat, lambda x: quantise_uniform(x, 8, 1.0)):
        with pytest.raises(SignalError, match="expected no NaN, got one"):
            quantise(np.array([1.0, np.nan]))
    with pytest.raises(SignalError, match="expected 1 to 16 bits per value, got 17"):
        quantise_uniform(np.zeros(1), 17, 1.0)
    for full_scale in (-1.0, np.nan, np.inf):
        with pytest.raises(SignalError, match="expected a full scale from 0 to 1e30"):
            dequantise_uniform(np.zeros(1, int), 8, full_scale)
    with pytest.raises(SignalError, match=r"expected codes from 0 to 3, got 0\.\.4"):
        dequantise_uniform(np.array([0, 4]), 2, 1.0)
    with pytest.raises(SignalError, match="expected codes as uint8, got int64"):
        from_minifloat(np.zeros(1, np.int64))
