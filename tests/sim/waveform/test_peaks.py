"""Peaks of OFDM symbols, and what is done about them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfc
from scipy.stats import binom
from semcom.sim.waveform.ofdm import Ofdm
from semcom.sim.waveform.peaks import Peaks, PeaksKind

ROWS = 4000


def in_time(n_fft: int, carriers: np.ndarray, seed: int = 1) -> np.ndarray:
    """Gaussian symbols on some carriers, of unit mean power in time."""
    rng = np.random.default_rng(seed)
    spectra = np.zeros((ROWS, n_fft), np.complex64)
    spectra[:, carriers] = rng.standard_normal((ROWS, carriers.size, 2)) @ [1, 1j] / np.sqrt(2)
    return np.fft.ifft(spectra * n_fft / np.sqrt(carriers.size), axis=1).astype(np.complex64)


@pytest.mark.parametrize("n_fft", [64, 256])
@pytest.mark.parametrize("papr_db", [6.0, 8.0, 10.0])
def test_the_distribution_of_the_peaks_is_the_closed_form(n_fft: int, papr_db: float) -> None:
    """Of N independent samples one exceeds g times the mean power with probability 1 - (1 - exp(-g))^N."""
    w = Ofdm(n_fft, 16, n_fft - 2)
    body = np.stack([w.body_symbols(gaussian)[0] for gaussian in _frames(w)])
    burst = w.modulate(body)[-ROWS * w.row :].reshape(ROWS, w.row)[:, w.prefix :]
    above = int(np.count_nonzero((np.abs(burst) ** 2).max(axis=1) > 10 ** (papr_db / 10)))
    share = 1 - (1 - np.exp(-(10 ** (papr_db / 10)))) ** n_fft
    low, high = binom.interval(1 - 1e-6, ROWS, share)
    slack = 0.04 * ROWS * share  # pilots are QPSK and two carriers silent: not quite Gaussian and independent
    assert low - slack <= above <= high + slack


def _frames(w: Ofdm) -> np.ndarray:
    rng = np.random.default_rng(w.n_fft)
    return (rng.standard_normal((ROWS, w.data_carriers, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


@pytest.mark.parametrize("headroom_db", [3.0, 6.0])
@pytest.mark.parametrize("kind", ["clip", "compress"])
def test_distortion_is_that_of_a_gaussian_signal_through_a_limiter(kind: PeaksKind, headroom_db: float) -> None:
    """Bussgang: y = alpha x + d with d uncorrelated to x; over |x| Rayleigh, alpha and E|y|^2 are integrals."""
    w = Ofdm(256, 16, 254)
    x = in_time(256, w.carriers)
    y = Peaks(kind, headroom_db).reduced(x, w.carriers)
    limit = 10 ** (headroom_db / 20)
    shape = {"clip": lambda r: min(r, limit), "compress": lambda r: limit * np.tanh(r / limit)}[kind]
    alpha = quad(lambda r: r * shape(r) * 2 * r * np.exp(-r * r), 0, 8)[0]
    power = quad(lambda r: shape(r) ** 2 * 2 * r * np.exp(-r * r), 0, 8)[0]
    if kind == "clip":
        assert alpha == pytest.approx(1 - np.exp(-(limit**2)) + np.sqrt(np.pi) / 2 * limit * erfc(limit), rel=1e-6)
        assert power == pytest.approx(1 - np.exp(-(limit**2)), rel=1e-6)
    assert float(np.mean(np.abs(y) ** 2)) == pytest.approx(1, rel=1e-4)
    assert float(np.abs(y).max()) <= limit / np.sqrt(power) * 1.01
    gain = float(np.vdot(x, y).real / np.vdot(x, x).real)
    assert gain == pytest.approx(alpha / np.sqrt(power), rel=0.003)
    assert float(np.mean(np.abs(y - gain * x) ** 2)) == pytest.approx(1 - alpha**2 / power, rel=0.05)


def test_filtering_leaves_the_guards_silent_and_peaks_that_are_lower_than_before() -> None:
    w = Ofdm()
    x = in_time(64, w.carriers)
    plain, filtered = (Peaks(kind, 4.0).reduced(x, w.carriers) for kind in ("clip", "clip_and_filter"))
    silent = np.setdiff1d(np.arange(64), w.carriers % 64)
    leaked = [np.mean(np.abs(np.fft.fft(y, axis=1)[:, silent]) ** 2) / 64 for y in (plain, filtered)]
    assert leaked[0] > 1e-3
    assert leaked[1] < 1e-10
    peaks = [np.quantile((np.abs(y) ** 2).max(axis=1), 0.99) for y in (x, filtered, plain)]
    assert peaks[2] < peaks[1] < 10**-0.2 * peaks[0]  # 2 dB at the least of those that one symbol in a hundred exceeds


def test_peaks_that_are_kept() -> None:
    w = Ofdm()
    x = in_time(64, w.carriers)
    assert Peaks().reduced(x, w.carriers) is x
    silent = np.zeros((2, 64), np.complex64)
    np.testing.assert_array_equal(Peaks("keep", 3.0).reduced(silent, w.carriers), silent)
