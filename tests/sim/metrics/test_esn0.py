import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.metrics.esn0 import esn0_from_energies, mean_esn0_db, measure_esn0
from semcom.sim.noise import CounterNoise


def test_the_interval_covers_as_often_as_it_says() -> None:
    trials, n, n0 = 1500, 40, 0.5
    noise = CounterNoise(4).complex_normal(0, trials * n).reshape(trials, n) * np.sqrt(n0)
    covered = 0
    for row in noise:
        measured = esn0_from_energies(n, float(np.sum(np.abs(row) ** 2)), n, confidence=0.9)
        covered += measured.low_db <= 10 * np.log10(1 / n0) <= measured.high_db
    assert abs(covered / trials - 0.9) < 5 * np.sqrt(0.09 / trials)


def test_the_interval_covers_with_fading() -> None:
    trials, n, n0 = 1500, 200, 0.5
    noise = CounterNoise(5).complex_normal(0, trials * n).reshape(trials, n) * np.sqrt(n0)
    h = CounterNoise(6).complex_normal(0, trials * n).reshape(trials, n)
    covered = 0
    for gains, row in zip(h, noise, strict=True):
        measured = esn0_from_energies(
            float(np.sum(np.abs(gains) ** 2)),
            float(np.sum(np.abs(row) ** 2)),
            n,
            confidence=0.9,
            gain_variance=1,
            gains=n,
        )
        covered += measured.low_db <= 10 * np.log10(1 / n0) <= measured.high_db
    assert abs(covered / trials - 0.9) < 5 * np.sqrt(0.09 / trials)


@pytest.mark.parametrize("esn0_db", [-3.0, 12.0])
def test_the_mean_over_rayleigh_fades_is_the_label_and_that_of_decibels_is_not(esn0_db: float) -> None:
    gains = -np.log((np.arange(100_000) + 0.5) / 100_000)  # quantiles of the exponential law
    faded_db = esn0_db + 10 * np.log10(gains)
    assert mean_esn0_db(faded_db) == pytest.approx(esn0_db, abs=1e-3)
    assert faded_db.mean() == pytest.approx(esn0_db - 10 * np.euler_gamma / np.log(10), abs=1e-3)


def test_exact_without_chance() -> None:
    x = np.array([1, 1j, -1, -1j])
    measured = measure_esn0(x, x + 0.1)
    assert measured.esn0_db == pytest.approx(20)
    assert measured.symbols == 4
    assert measured.low_db < 20 < measured.high_db


def test_errors_say_what_was_expected() -> None:
    x = np.ones(4, np.complex64)
    with pytest.raises(SignalError, match=r"expected sent complex \[n\], got float32 \[4\]: pair the reals first"):
        measure_esn0(x.real, x)  # type: ignore[arg-type]
    with pytest.raises(SignalError, match=r"expected one shape, got sent \[4\] and received \[3\]"):
        measure_esn0(x, x[:3])
    with pytest.raises(SignalError, match=r"expected a finite noise energy above 0, got 0\.0"):
        measure_esn0(x, x)
    with pytest.raises(SignalError, match="expected at least 1 symbol and 1 gain, got 0 and 1"):
        esn0_from_energies(1, 1, 0)
    with pytest.raises(SignalError, match="expected a confidence between 0 and 1, got 1"):
        esn0_from_energies(1, 1, 5, confidence=1)
