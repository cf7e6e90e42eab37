import numpy as np
import pytest
import torch
from scipy import stats
from semcom.errors import SignalError
from semcom.sim.channels.fading import fading_blocks, flat_fading, hold
from semcom.sim.channels.rayleigh import rayleigh
from semcom.sim.channels.rician import rician, rician_gain
from semcom.sim.metrics.esn0 import esn0_from_energies
from semcom.sim.noise import CounterNoise

N = 100_000


def draw(key: int, count: int = N) -> np.ndarray:
    return CounterNoise(key).complex_normal(0, count)


def phasors(count: int = N) -> np.ndarray:
    return np.exp(2j * np.pi * np.random.default_rng(5).random(count)).astype(np.complex64)


def test_rayleigh_amplitudes_pass_kolmogorov_smirnov() -> None:
    _, h = rayleigh(np.ones(N, np.complex64), draw(1), draw(2), n0=0.1, coherence_symbols=1)
    assert stats.kstest(np.abs(h), stats.rayleigh(scale=np.sqrt(0.5)).cdf).pvalue > 1e-3
    assert stats.kstest(np.angle(h), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


@pytest.mark.parametrize("k_db", [-10.0, 0.0, 6.0, 15.0])
def test_rician_amplitudes_pass_kolmogorov_smirnov(k_db: float) -> None:
    h = rician_gain(draw(3), phasors(), k_db)
    k = 10 ** (k_db / 10)
    scale = np.sqrt(0.5 / (k + 1))
    assert stats.kstest(np.abs(h), stats.rice(np.sqrt(2 * k), scale=scale).cdf).pvalue > 1e-3
    assert stats.kstest(np.angle(h), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


@pytest.mark.parametrize("esn0_db", [-5, 0, 10, 25])
@pytest.mark.parametrize("k_db", [None, 3.0])
def test_measured_esn0_is_its_label(esn0_db: float, k_db: float | None) -> None:
    x, noise, n0 = phasors(), draw(7), 10 ** (-esn0_db / 10)
    if k_db is None:
        y, h = rayleigh(x, draw(8), noise, n0=n0, coherence_symbols=1)
        spread = 1.0
    else:
        y, h = rician(x, draw(8), phasors(), noise, n0=n0, k_db=k_db, coherence_symbols=1)
        k = 10 ** (k_db / 10)
        spread = (2 * k + 1) / (k + 1) ** 2
    signal, error = h * x, y - h * x
    measured = esn0_from_energies(
        float(np.sum(np.abs(signal) ** 2)),
        float(np.sum(np.abs(error) ** 2)),
        N,
        confidence=1 - 1e-6,
        gain_variance=spread,
        gains=N,
    )
    assert measured.low_db <= esn0_db <= measured.high_db
    assert measured.high_db - measured.low_db < 0.25


@pytest.mark.parametrize("coherence", [1, 7, 64, None])
def test_torch_and_numpy_agree(coherence: int | None) -> None:
    n = 100
    gains = fading_blocks(n, coherence)
    x, g, w, los = draw(1, 2 * n).reshape(2, n), draw(2, 2 * gains).reshape(2, gains), draw(3, 2 * n).reshape(2, n), 1j
    y, h = rayleigh(x, g, w, n0=0.2, coherence_symbols=coherence)
    y_torch, h_torch = rayleigh(*map(torch.from_numpy, (x, g, w)), n0=0.2, coherence_symbols=coherence)
    np.testing.assert_allclose(y_torch.numpy(), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(h_torch.numpy(), h)
    line = np.full((2, 1), los, np.complex64)
    y, h = rician(x, g, line, w, n0=0.2, k_db=4.0, coherence_symbols=coherence)
    y_torch, h_torch = rician(
        *map(torch.from_numpy, (x, g, line, w)), n0=0.2, k_db=torch.tensor(4.0), coherence_symbols=coherence
    )
    np.testing.assert_allclose(y_torch.numpy(), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(h_torch.numpy(), h, rtol=1e-5, atol=1e-6)
    assert y.dtype == h.dtype == np.complex64


def test_gains_hold_for_the_coherence_length() -> None:
    h = np.array([1, 2j, 3], np.complex64)
    np.testing.assert_array_equal(hold(h, 8, 3), [1, 1, 1, 2j, 2j, 2j, 3, 3])
    np.testing.assert_array_equal(hold(h[:1], 4, None), [1, 1, 1, 1])
    np.testing.assert_array_equal(hold(h, 3, 1), h)
    assert hold(h[:1], 0, None).shape == (0,)
    assert hold(h[:1], 0, 5).shape == (0,)


def test_block_fading_is_one_gain_without_noise() -> None:
    x = draw(1, 50)
    y, h = rayleigh(x, np.array([0.5j], np.complex64), np.zeros(50, np.complex64), n0=0.3)
    np.testing.assert_allclose(y, 0.5j * x)
    assert h.shape == (50,)
    np.testing.assert_allclose(flat_fading(x, np.ones(1, np.complex64), x, 0.25), 1.5 * x)


def test_errors_say_what_was_expected() -> None:
    with pytest.raises(SignalError, match=r"expected 3 gains for 8 symbols, got shape \[4\]"):
        hold(np.zeros(4, np.complex64), 8, 3)
    with pytest.raises(SignalError, match="expected coherence_symbols of at least 1, got 0"):
        fading_blocks(8, 0)
