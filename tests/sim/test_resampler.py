"""The resampler against scipy's, and against what a filter has to do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly
from semcom.errors import SignalError
from semcom.sim.resampler import Resampler, rate_ratio

RATIOS = [Fraction(1), Fraction(2), Fraction(1, 2), Fraction(3, 2), Fraction(25, 576), Fraction(48, 25), Fraction(1, 7)]


def noise(count: int) -> np.ndarray:
    return (np.random.default_rng(1).standard_normal((count, 2)) @ [1, 1j]).astype(np.complex64)


def resampled(ratio: Fraction, samples: np.ndarray, cuts: list[int]) -> np.ndarray:
    made = Resampler(ratio)
    return np.concatenate([*(made.push(piece) for piece in np.split(samples, cuts)), made.flush()])


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 5, 3000])
def test_it_is_scipys_with_the_same_filter(ratio, count):
    samples = noise(count)
    got = resampled(ratio, samples, [])
    if not count:
        assert got.size == 0
        return
    taps = Resampler(ratio).taps.astype(np.float64) / ratio.numerator
    expected = resample_poly(samples.astype(complex), ratio.numerator, ratio.denominator, window=taps)
    assert got.size == expected.size
    np.testing.assert_allclose(got, expected, atol=3e-5)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RATIOS), st.lists(st.integers(0, 700), max_size=8))
def test_where_it_is_cut_changes_no_bit(ratio, cuts):
    samples = noise(700)
    np.testing.assert_array_equal(resampled(ratio, samples, sorted(cuts)), resampled(ratio, samples, []))


def test_one_sample_at_a_time():
    samples = noise(200)
    ratio = Fraction(3, 2)
    np.testing.assert_array_equal(resampled(ratio, samples, list(range(1, 200))), resampled(ratio, samples, []))


@pytest.mark.parametrize("ratio", [Fraction(2), Fraction(1, 2), Fraction(25, 24), Fraction(25, 576)], ids=str)
def test_what_is_in_the_band_passes_and_what_is_not_does_not(ratio):
    taps = Resampler(ratio).taps.astype(np.float64) / ratio.numerator
    response = np.abs(np.fft.rfft(taps, 1 << 20))
    frequency = np.linspace(0, 1, response.size) * max(ratio.numerator, ratio.denominator)  # in smaller Nyquists
    assert np.abs(20 * np.log10(response[frequency <= 0.8])).max() < 0.01
    assert 20 * np.log10(response[frequency >= 1.0].max()) < -70


def test_a_tone_keeps_its_frequency_and_its_place():
    time_in = np.arange(4000) / 1e6
    made = resampled(rate_ratio(1e6, 1.5e6), np.exp(2j * np.pi * 1e5 * time_in).astype(np.complex64), [1234])
    expected = np.exp(2j * np.pi * 1e5 * np.arange(made.size) / 1.5e6)
    np.testing.assert_allclose(made[200:-200], expected[200:-200], atol=1e-3)


def test_rates():
    assert rate_ratio(23.04e6, 1e6) == Fraction(25, 576)
    assert rate_ratio(44100.0, 48000.0) == Fraction(160, 147)
    for to_hz in (1e6 * np.pi, 1.0, 1e15):
        with pytest.raises(SignalError, match=r"two whole numbers up to 4096, got 1000000 Hz to .* Hz; choose a rate"):
            rate_ratio(1e6, to_hz)
