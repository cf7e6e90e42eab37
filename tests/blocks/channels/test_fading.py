"""`channels/rayleigh` and `channels/rician`, which share everything but the gains."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from semcom.blocks.block import Block
from semcom.blocks.channels.rayleigh import Rayleigh
from semcom.blocks.channels.rician import Rician
from semcom.blocks.envelope import Identity
from semcom.sim.metrics.esn0 import esn0_from_energies

N = 50_000
X = np.exp(2j * np.pi * np.random.default_rng(0).random(N)).astype(np.complex64)
PAIRED = np.random.default_rng(1).standard_normal(2 * N).astype(np.float32).view(np.complex64) / np.float32(np.sqrt(2))
KINDS = pytest.mark.parametrize("kind", [Rayleigh, Rician])


def run(kind: type[Block], x: np.ndarray = X, seq: int = 0, **params: Any) -> Any:
    return kind(kind.Params(**params), name="channel", seed=7).work(x, Identity(seq))


def test_fast_fading_amplitudes() -> None:
    h = run(Rayleigh, coherence_symbols=1).state.h
    assert stats.kstest(np.abs(h), stats.rayleigh(scale=np.sqrt(0.5)).cdf).pvalue > 1e-3
    h = run(Rician, coherence_symbols=1, k_db=6).state.h
    k = 10**0.6
    assert stats.kstest(np.abs(h), stats.rice(np.sqrt(2 * k), scale=np.sqrt(0.5 / (k + 1))).cdf).pvalue > 1e-3


def test_block_fading_amplitudes_over_items() -> None:
    for kind, law in (
        (Rayleigh, stats.rayleigh(scale=np.sqrt(0.5))),
        (Rician, stats.rice(np.sqrt(2 * 10**0.6), scale=np.sqrt(0.5 / (10**0.6 + 1)))),
    ):
        gains = np.array([run(kind, X[:2], seq).state.h for seq in range(2000)])
        np.testing.assert_array_equal(gains[:, 0], gains[:, 1])
        assert stats.kstest(np.abs(gains[:, 0]), law.cdf).pvalue > 1e-3
        assert stats.kstest(np.angle(gains[:, 0]), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


@KINDS
@pytest.mark.parametrize("esn0_db", [-5, 0, 10, 25])
@pytest.mark.parametrize("x", [X, PAIRED], ids=["complex", "paired reals"])
def test_traced_energies_measure_the_label(kind: type[Block], esn0_db: float, x: np.ndarray) -> None:
    out = run(kind, x, esn0_db=esn0_db, coherence_symbols=1)
    k = 10**0.6
    gain = 1.0 if kind is Rayleigh else (2 * k + 1) / (k + 1) ** 2
    second = np.mean(np.abs(x) ** 4)  # of a symbol's energy; the variance of |h x|^2 grows with it
    measured = esn0_from_energies(
        out.trace["signal_energy"] * N,
        out.trace["noise_energy"] * N,
        N,
        confidence=1 - 1e-6,
        gain_variance=float((gain + 1) * second - 1),
        gains=N,
    )
    assert measured.low_db <= esn0_db <= measured.high_db
    assert measured.high_db - measured.low_db < 0.5


@KINDS
def test_equalisers(kind: type[Block]) -> None:
    out = {name: run(kind, equalizer=name, coherence_symbols=3) for name in ("none", "zf", "mmse", "lmmse")}
    y, h, n0 = out["none"].value, out["none"].state.h, out["none"].state.n0
    assert n0 == pytest.approx(0.1)
    for name in ("zf", "mmse"):
        np.testing.assert_allclose(out[name].value, y / h, rtol=1e-3)
        np.testing.assert_allclose(out[name].state.n0, n0 / np.abs(h) ** 2, rtol=1e-3)
        assert out[name].state.n0.dtype == np.float32
    np.testing.assert_allclose(out["lmmse"].value, y * h.conj() / (np.abs(h) ** 2 + n0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(h[0:3], h[0])
    assert h[3] != h[0]
    for result in out.values():
        assert result.value.dtype == np.complex64
        assert result.state.csi == "perfect"
        assert result.state.esn0_db == 10


@KINDS
@pytest.mark.parametrize("equalizer", ["zf", "mmse"])
def test_effective_noise_is_the_noise_there_is(kind: type[Block], equalizer: str) -> None:
    out = run(kind, equalizer=equalizer, coherence_symbols=1, esn0_db=-5)
    whitened = np.abs(out.value - X) ** 2 / out.state.n0  # exponential with mean one
    assert stats.kstest(whitened, stats.expon.cdf).pvalue > 1e-3


@KINDS
def test_fading_belongs_to_the_item_and_not_to_the_history(kind: type[Block]) -> None:
    used = kind(kind.Params(), name="channel", seed=7)
    used.work(X[:50], Identity(1))
    again = used.work(X[:50], Identity(4))
    np.testing.assert_array_equal(again.value, run(kind, X[:50], 4).value)


@KINDS
def test_an_empty_frame(kind: type[Block]) -> None:
    out = run(kind, X[:0])
    assert out.value.shape == out.state.h.shape == (0,)


def test_a_strong_line_of_sight_is_awgn() -> None:
    h = run(Rician, k_db=60, coherence_symbols=1).state.h
    np.testing.assert_allclose(np.abs(h), 1, atol=0.01)
