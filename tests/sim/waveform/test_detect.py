"""The preamble and its detector, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from semcom.errors import SignalError
from semcom.sim.waveform.detect import Detector
from semcom.sim.waveform.preamble import LENGTH, PREAMBLE, ROOTS, false_alarm_rate, threshold, zadoff_chu
from semcom.sim.waveform.single_carrier import SingleCarrier

WAVEFORM = SingleCarrier()


def noise(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_has_constant_amplitude_and_no_correlation(root: int) -> None:
    z = zadoff_chu(root, LENGTH)
    np.testing.assert_allclose(np.abs(z), 1)
    cyclic = np.fft.ifft(np.abs(np.fft.fft(z)) ** 2)
    np.testing.assert_allclose(np.abs(cyclic), [LENGTH, *[0] * (LENGTH - 1)], atol=1e-9)


@pytest.mark.parametrize("wrong", [(1, 255), (2, 256), (1, 0)])
def test_what_is_no_root(wrong: tuple[int, int]) -> None:
    with pytest.raises(SignalError, match="zadoff-chu: expected an even length and a root that shares no factor"):
        zadoff_chu(*wrong)


@pytest.mark.parametrize("bins", [-5, -2, 3, 5])
def test_an_offset_moves_the_peaks_apart(bins: int) -> None:
    """Root u by u^-1 mod N for each bin: later for root 1, earlier for root N - 1."""
    turn = np.exp(2j * np.pi * bins * np.arange(LENGTH) / LENGTH)
    for root, moved in zip(ROOTS, (bins, -bins), strict=True):
        z = zadoff_chu(root, LENGTH)
        match = np.fft.ifft(np.fft.fft(z * turn) * np.fft.fft(z).conj())
        assert int(np.argmax(np.abs(match))) == moved % LENGTH
        assert (moved - pow(root, -1, LENGTH) * bins) % LENGTH == 0


@pytest.mark.parametrize(("length", "eta"), [(139, 0.139), (256, 0.078), (512, 0.040)])
def test_the_threshold_of_one_false_alarm_in_a_billion(length: int, eta: float) -> None:
    assert threshold(1e-9, length) == pytest.approx(eta, abs=5e-4)
    assert false_alarm_rate(threshold(1e-9, length), length) == pytest.approx(1e-9)


def test_no_rate_no_threshold() -> None:
    with pytest.raises(SignalError, match="detection: expected a false-alarm rate between 0 and 1, got 0"):
        threshold(0, 256)


@pytest.mark.parametrize("rate", [2, 4])
def test_false_alarms_of_one_root_come_at_the_stated_rate(rate: int) -> None:
    """Noise behind the matched filter is white at one sample a symbol: N is 256 and not an effective one.

    Positions half a symbol apart are not independent, nor are those whose windows overlap, but windows far apart are:
    one position a block of noise is looked at.
    """
    detector = Detector(SingleCarrier(samples_per_symbol=rate), 1e-9)
    hits = trials = 0
    eta = threshold(0.02, LENGTH)
    for seed in range(60):
        for statistic in detector.statistics(noise(detector.size, seed)):
            apart = statistic[:: 2 * LENGTH]
            hits, trials = hits + int((apart > eta).sum()), trials + apart.size
    low, high = binom.interval(1 - 1e-6, trials, 0.02)
    assert low <= hits <= high


def test_the_detectors_own_rate_is_an_upper_bound() -> None:
    detector = Detector(WAVEFORM, 1e-4)
    blocks = 60
    found = sum(detector.find(noise(detector.size, seed)) is not None for seed in range(blocks))
    positions = blocks * detector.positions / 2
    assert found <= binom.isf(1e-6, int(positions), 1e-4)
    assert found > 0  # and not an empty one: some hundreds of places a position are looked at


@pytest.mark.parametrize("esn0_db", [0, 10, 30])
def test_time_and_offset_are_told_apart(esn0_db: float) -> None:
    """Offsets up to 2 % of the symbol rate; the place is known to a symbol, the offset to half a bin."""
    detector = Detector(WAVEFORM, 1e-9)
    rng = np.random.default_rng(esn0_db)
    burst = WAVEFORM.modulate(noise(100, 1))
    for trial in range(25):
        cfo = rng.uniform(-WAVEFORM.greatest_offset, WAVEFORM.greatest_offset)
        at = int(rng.integers(200, detector.positions))
        samples = 2 * 10 ** (-esn0_db / 20) * noise(detector.size, trial)
        turned = burst * np.exp(2j * np.pi * (cfo / 4 * np.arange(burst.size) + rng.random()))
        first = at - 12 * 4  # the pulse begins before the middle of the first symbol
        samples[first : first + burst.size] += turned[: detector.size - first]
        found = detector.find(samples.astype(np.complex64))
        assert found is not None
        assert found.position == pytest.approx(at, abs=4)
        assert found.cfo == pytest.approx(cfo, abs=0.5 / LENGTH)


def test_the_preamble_is_both_roots() -> None:
    assert PREAMBLE.size == 2 * LENGTH
    assert not PREAMBLE.flags.writeable
