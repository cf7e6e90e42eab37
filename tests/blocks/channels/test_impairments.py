"""Blocks without noise of their own: `channels/iq_imbalance`, `clipping`, `converter`, `phase_noise`."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats
from semcom.blocks.block import Block
from semcom.blocks.channels.clipping import Clipping
from semcom.blocks.channels.converter import Converter
from semcom.blocks.channels.iq_imbalance import IqImbalance
from semcom.blocks.channels.phase_noise import PhaseNoise
from semcom.blocks.envelope import Identity, Out
from semcom.sim.noise import CounterNoise

N = 50_000
X = CounterNoise(1).complex_normal(0, N)
ALL = pytest.mark.parametrize("kind", [Clipping, Converter, IqImbalance, PhaseNoise])


def run(kind: type[Block], x: np.ndarray = X, seq: int = 0, **params: Any) -> Out[Any]:
    block = kind(kind.Params(**params), name="channel", seed=7)
    found = block.work(x, Identity(seq)) if kind is PhaseNoise else block.work(x)
    return found if isinstance(found, Out) else Out(found)


@ALL
@pytest.mark.parametrize("x", [X[:0], np.zeros(5, np.complex64), X[:1], np.float32(1e15) * X[:9]])
def test_odd_frames(kind: type[Block], x: np.ndarray) -> None:
    out = run(kind, x)
    assert out.value.shape == x.shape
    assert out.value.dtype == np.complex64
    assert np.isfinite(out.value).all()
    assert out.state is None  # the receiver learns nothing


@ALL
def test_a_frame_that_is_not_finite_does_not_raise(kind: type[Block]) -> None:
    assert run(kind, np.array([1, np.nan], np.complex64)).value.shape == (2,)


@ALL
def test_parameters_are_bounded(kind: type[Block]) -> None:
    for name in ("clip_db", "full_scale_db", "amplitude_db", "rms_deg"):
        if name in kind.Params.model_fields:
            with pytest.raises(ValidationError):
                kind.Params(**{name: 1e3})


def test_iq_imbalance_rejects_the_image_by_the_closed_form() -> None:
    tone = np.exp(2j * np.pi * 3 * np.arange(64) / 64).astype(np.complex64)
    spectrum = np.abs(np.fft.fft(run(IqImbalance, tone, amplitude_db=1, phase_deg=5).value))
    assert 20 * np.log10(spectrum[3] / spectrum[-3]) == pytest.approx(22.83, abs=0.01)  # 1 dB and 5 degrees


@pytest.mark.parametrize("clip_db", [0, 4])
def test_clipping_leaves_the_energy_of_the_closed_form_or_restores_it(clip_db: float) -> None:
    kept = run(Clipping, clip_db=clip_db)
    expected = 1 - np.exp(-(10 ** (clip_db / 10)))
    energy = np.abs(kept.value) ** 2
    assert abs(energy.mean() - expected) < 5 * np.sqrt(2 / N)
    assert kept.trace["papr_db"] == pytest.approx(10 * np.log10(energy.max() / energy.mean()))
    restored = run(Clipping, clip_db=clip_db, energy="restore").value
    assert np.mean(np.abs(restored) ** 2) == pytest.approx(np.mean(np.abs(X) ** 2), rel=1e-4)


def test_the_reference_is_the_frame_or_one() -> None:
    loud = np.float32(10) * X
    np.testing.assert_allclose(run(Clipping, loud).value, 10 * run(Clipping).value, rtol=1e-4)
    assert np.abs(run(Clipping, loud, reference="one").value).max() == pytest.approx(10**0.15, rel=1e-4)
    np.testing.assert_allclose(run(Converter, loud).value, 10 * run(Converter).value, rtol=1e-4)
    part = run(Converter, loud, reference="one", bits=None).value.real
    assert part.max() == pytest.approx(0.5**0.5 * 10**0.6, rel=1e-4)


@pytest.mark.parametrize("bits", [6, 9])
def test_a_converter_that_does_not_clip_has_the_granular_noise(bits: int) -> None:
    x = X[np.maximum(np.abs(X.real), np.abs(X.imag)) < 2]
    full_scale = np.sqrt(np.mean(np.abs(x) ** 2) / 2) * 10 ** (12 / 20)
    out = run(Converter, x, bits=bits, full_scale_db=12)
    error = np.abs(out.value - x) ** 2
    assert abs(error.mean() - 2 * (2 * full_scale / 2**bits) ** 2 / 12) < 6 * error.std() / x.size**0.5
    assert out.trace["papr_db"] == pytest.approx(10 * np.log10(np.max(np.abs(x) ** 2) / np.mean(np.abs(x) ** 2)))
    assert "papr_db" not in run(Converter, x, place="receiver").trace


def test_a_free_running_oscillator_drifts_and_ideal_tracking_stops_it() -> None:
    x, frames = np.ones(1000, np.complex64), 300
    given = {"model": "wiener", "linewidth_hz": 20, "symbol_rate_hz": 1e6}
    ends = [np.angle(run(PhaseNoise, x, seq, **given).value[-1]) for seq in range(frames)]
    low, high = stats.chi2.interval(1 - 1e-6, frames)
    assert low < np.sum(np.square(ends)) / (2 * np.pi * 20e-6 * 999) < high
    held = run(PhaseNoise, x, 5, tracking="ideal", tracking_symbols=10, **given).value
    sums = held.reshape(-1, 10).sum(axis=1)
    np.testing.assert_allclose(np.angle(sums), 0, atol=1e-5)


@pytest.mark.parametrize("rms_deg", [1, 4])
def test_a_locked_oscillator_has_its_rms_phase(rms_deg: float) -> None:
    x, frames = np.ones(2, np.complex64), 500
    phases = [np.angle(run(PhaseNoise, x, seq, rms_deg=rms_deg).value[1]) for seq in range(frames)]
    low, high = stats.chi2.interval(1 - 1e-6, frames)
    assert low < np.sum(np.square(phases)) / np.radians(rms_deg) ** 2 < high
    still = np.angle(run(PhaseNoise, X * 0 + 1, bandwidth_hz=0).value)
    np.testing.assert_allclose(still, still[0], atol=1e-6)
