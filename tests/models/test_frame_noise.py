"""The noise in each value of a frame."""

import numpy as np
import pytest
from semcom.models.frame_noise import known_n0, noise_in_values


def faded(power: float, n0: np.ndarray) -> np.ndarray:
    """Values of a power behind a channel: each symbol, a pair of values, has its noise."""
    rng = np.random.default_rng(1)
    both = np.repeat(n0, 2)
    values = power**0.5 * (rng.standard_normal(both.size) + both**0.5 * rng.standard_normal(both.size))
    return np.asarray(noise_in_values(values.astype(np.float32), both.astype(np.float32)) / both)


def test_n0_of_a_symbol_is_that_of_each_value_over_the_values_own_power() -> None:
    """Two values of power P make a symbol of energy 2 P; it is brought to 1, and half of n0 is in each."""
    rng = np.random.default_rng(2)
    values = 3**0.5 * rng.standard_normal(20_000)
    scale = np.sqrt(2 * np.mean(values**2))
    symbols = values.view(complex) / scale
    n0 = 0.4
    noise = (n0 / 2) ** 0.5 * (rng.standard_normal(symbols.size) + 1j * rng.standard_normal(symbols.size))
    received = (scale * (symbols + noise)).view(float).astype(np.float32)
    found = noise_in_values(received, np.full(received.size, n0, np.float32))
    spread = 4 * (2 / received.size) ** 0.5
    assert abs(found[0] / np.var(received - values) - 1) < 2 * spread
    assert abs(found[0] / (3 * n0) - 1) < 2 * spread


def test_symbols_in_a_deep_fade_do_not_say_what_the_power_is() -> None:
    gains = np.random.default_rng(3).exponential(size=2048)
    power = faded(2.0, 0.1 / np.maximum(gains, 1e-5))
    assert np.allclose(power, 2.0, rtol=4 * (2 / 4096) ** 0.5)


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_erased_symbols_do_not_say_what_the_power_is(share: float) -> None:
    rng = np.random.default_rng(4)
    erased = rng.random(100_000) < share
    values = 2**0.5 * rng.standard_normal(erased.size) * ~erased
    n0 = np.where(erased, 1e9, 1e-3).astype(np.float32)
    found = noise_in_values(values.astype(np.float32), n0)
    assert np.allclose(found / n0, 2, rtol=4 * (2 / (~erased).sum()) ** 0.5)


def test_where_all_was_erased_nothing_is_known_of_the_power() -> None:
    n0 = np.full(8, 1e9, np.float32)
    assert np.array_equal(noise_in_values(np.zeros(8, np.float32), n0), np.zeros(8))


def test_one_noise_of_the_mean_snr() -> None:
    n0 = np.array([0.1, 1.0], np.float32)
    assert np.allclose(known_n0(n0, "off"), 1 / np.mean([10.0, 1.0]))
    assert np.array_equal(known_n0(n0, "on"), n0)
    silent = np.array([0.0, 1.0], np.float32)
    assert np.array_equal(known_n0(silent, "off"), silent)
