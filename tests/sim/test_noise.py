import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from semcom.errors import SignalError
from semcom.sim.noise import CounterNoise, complex_normal

WHOLE = CounterNoise(99).complex_normal(0, 5000)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=12))
def test_chunks_do_not_change_it(lengths: list[int]) -> None:
    noise, offset = CounterNoise(99), 0
    for length in lengths:
        length = min(length, WHOLE.size - offset)
        np.testing.assert_array_equal(noise.complex_normal(offset, length), WHOLE[offset : offset + length])
        offset += length


def test_one_sample_at_a_time_and_backwards() -> None:
    noise = CounterNoise(99)
    singles = [noise.complex_normal(i, 1)[0] for i in range(300)]
    np.testing.assert_array_equal(singles, WHOLE[:300])
    for offset in (299, 17, 4, 3, 0):
        np.testing.assert_array_equal(noise.complex_normal(offset, 5), WHOLE[offset : offset + 5])


def test_far_offsets_are_reached_at_once() -> None:
    far = 10**15 + 3
    np.testing.assert_array_equal(
        CounterNoise(5).complex_normal(far, 10)[4:], CounterNoise(5).complex_normal(far + 4, 6)
    )


def test_it_is_complex_normal_of_unit_variance() -> None:
    w = CounterNoise(2024).complex_normal(0, 400_000)
    for part in (w.real, w.imag):
        assert stats.kstest(part, stats.norm(scale=np.sqrt(0.5)).cdf).pvalue > 1e-3
    assert stats.kstest(np.abs(w) ** 2, stats.expon.cdf).pvalue > 1e-3
    limit = 5 / np.sqrt(w.size)
    assert abs(np.mean(w * w)) < 2 * limit  # circular: no correlation of the parts, equal variances
    assert abs(np.mean(w[1:] * w[:-1].conj())) < limit  # white
    assert w.dtype == np.complex64


def test_keys_give_different_streams() -> None:
    other = CounterNoise(100).complex_normal(0, 5000)
    assert abs(np.mean(other * WHOLE.conj())) < 5 / np.sqrt(5000)


def test_a_philox_generator_gives_the_same_samples() -> None:
    np.testing.assert_array_equal(complex_normal(np.random.Generator(np.random.Philox(key=99)), 5000), WHOLE)
    assert complex_normal(np.random.default_rng(1), 0).shape == (0,)


@pytest.mark.parametrize("key", [-1, 1 << 128])
def test_keys_out_of_range_are_refused(key: int) -> None:
    with pytest.raises(SignalError, match=r"expected a key of 0 to 2\^128 - 1, got"):
        CounterNoise(key)


def test_negative_offsets_are_refused() -> None:
    with pytest.raises(SignalError, match="expected an offset and a count of at least 0, got -1 and 4"):
        CounterNoise(1).complex_normal(-1, 4)
