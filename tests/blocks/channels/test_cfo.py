from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats
from semcom.blocks.channels.cfo import Cfo
from semcom.blocks.envelope import Identity, Out
from semcom.sim.noise import CounterNoise

N = 4096
X = np.exp(2j * np.pi * np.random.default_rng(0).random(N)).astype(np.complex64)


def run(x: np.ndarray = X, seq: int = 0, **params: Any) -> Out[Any]:
    return Cfo(Cfo.Params(**params), name="channel", seed=7).work(x, Identity(seq))


def test_the_ramp_alone() -> None:
    out = run(cfo_hz=-300, symbol_rate_hz=1e5)
    np.testing.assert_allclose(out.value, X * np.exp(-2j * np.pi * 0.003 * np.arange(N)), atol=2e-4)
    assert out.state is None
    assert out.trace == {}
    noisy = run(cfo_hz=-300, esn0_db=10)
    assert noisy.state.n0 == pytest.approx(0.1)
    assert noisy.state.csi is None  # nobody told the receiver the phase


def test_a_random_phase_is_the_frames_own_and_uniform() -> None:
    starts = [np.angle(run(X[:1] * 0 + 1, seq, phase="random").value[0]) for seq in range(500)]
    assert stats.kstest(starts, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


@pytest.mark.parametrize("phase", ["zero", "random"])
def test_perfect_correction_leaves_the_noise(phase: str) -> None:
    out = run(cfo_hz=5e3, phase=phase, correction="perfect", esn0_db=10)
    energy = np.abs(out.value - X) ** 2
    assert abs(energy.mean() - 0.1) < 5 * 0.1 / N**0.5
    assert out.state.csi == "perfect"
    np.testing.assert_allclose(run(cfo_hz=5e3, phase=phase, correction="perfect").value, X, atol=1e-4)


@pytest.mark.parametrize("esn0_db", [0, 10, 20])
@pytest.mark.parametrize("cfo_hz", [0, 1234, -7000])
def test_pilots_find_offset_and_phase(esn0_db: float, cfo_hz: float) -> None:
    out = run(cfo_hz=cfo_hz, phase="random", correction="pilots", pilot_spacing=64, esn0_db=esn0_db)
    n0 = 10 ** (-esn0_db / 10)
    pilots = N // 64
    energy = np.abs(out.value - X) ** 2
    # noise, and the error of a phase whose variance is at most N0 / (2 P) (1 + 3) at the ends of the frame
    assert energy.mean() < n0 + 5 * n0 / N**0.5 + 15 * 2 * n0 / pilots
    assert energy.mean() > n0 - 5 * n0 / N**0.5
    assert out.trace["pilot_uses"] == pilots
    assert out.trace["channel_uses"] == N
    assert out.state.csi == "pilots"
    assert out.state.n0 == pytest.approx(n0)
    assert 10 * np.log10(out.trace["signal_energy"] / out.trace["noise_energy"]) == pytest.approx(esn0_db, abs=0.4)


@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 65, 128, 129])
def test_every_length_comes_back_whole(n: int) -> None:
    out = run(X[:n], cfo_hz=40, correction="pilots", esn0_db=60)
    assert out.value.shape == (n,)
    np.testing.assert_allclose(out.value, X[:n], atol=0.03)
    assert out.trace.get("pilot_uses", 0) == (max(2, -(-n // 64)) if n else 0)


def test_without_correction_nothing_is_left_of_a_long_frame() -> None:
    out = run(cfo_hz=1e6 / N, esn0_db=20)  # one turn a frame
    assert abs(np.vdot(X, out.value)) / N < 0.02


def test_pilots_need_noise() -> None:
    with pytest.raises(ValidationError, match="correction: pilots needs esn0_db"):
        Cfo.Params(correction="pilots")


def test_odd_frames() -> None:
    for x in (
        np.zeros(5, np.complex64),
        np.array([np.nan, 1], np.complex64),
        np.float32(1e15) * CounterNoise(1).complex_normal(0, 9),
    ):
        assert run(x, correction="pilots", esn0_db=10).value.shape == x.shape
