"""`channels/tdl`."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats
from semcom.blocks.channels.tdl import Tdl
from semcom.blocks.envelope import Identity
from semcom.sim.channels.ofdm_grid import lay_out

N = 3000
X = np.exp(2j * np.pi * np.random.default_rng(0).random(N)).astype(np.complex64)
SMALL = {"subcarriers": 48, "pilot_spacing_symbols": 4, "pilot_spacing_subcarriers": 5}


def run(x: np.ndarray = X, seq: int = 0, **params: Any) -> Any:
    return Tdl(Tdl.Params(**{**SMALL, **params}), name="channel", seed=7).work(x, Identity(seq))


@pytest.mark.parametrize("profile", ["A", "B", "C"])
def test_gains_are_rayleigh_over_items(profile: str) -> None:
    h = np.array([run(X[:60], seq, profile=profile).state.h for seq in range(500)])
    for element in (0, 30, 59):
        assert stats.kstest(np.abs(h[:, element]), stats.rayleigh(scale=np.sqrt(0.5)).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("profile", "k_db"), [("D", 13.3), ("E", 22.0)])
def test_a_line_of_sight_at_no_delay_spread_is_rician(profile: str, k_db: float) -> None:
    """All taps fall together: the line against the sum of the scattered energies."""
    h = np.array([run(X[:1], seq, profile=profile, delay_spread_ns=0.0).state.h[0] for seq in range(800)])
    table = {"D": (-0.2, [-13.5, -18.8, -21, -22.8, -17.9, -20.1, -21.9, -22.9, -27.8, -23.6, -24.8, -30, -27.7])}
    table["E"] = (
        -0.03,
        [-22.03, -15.8, -18.1, -19.8, -22.9, -22.4, -18.6, -20.8, -22.6, -22.3, -25.6, -20.2, -29.8, -29.2],
    )
    line, scattered = 10 ** (table[profile][0] / 10), np.sum(10 ** (np.array(table[profile][1]) / 10))
    assert table[profile][0] - table[profile][1][0] == pytest.approx(k_db)
    k = line / scattered
    law = stats.rice(np.sqrt(2 * k), scale=np.sqrt(0.5 / (k + 1)))
    assert stats.kstest(np.abs(h), law.cdf).pvalue > 1e-3


def test_gains_correlate_over_subcarriers_as_the_delay_profile_says() -> None:
    h = np.array(
        [run(X[:48], seq, profile="A", subcarrier_spacing_hz=30e3, cyclic_prefix=0.25).state.h for seq in range(600)]
    )
    delays = [0, 0.3819, 0.4025, 0.5868, 0.4610, 0.5375, 0.6708, 0.5750, 0.7618, 1.5375, 1.8978, 2.2242]
    delays += [2.1718, 2.4942, 2.5119, 3.0582, 4.0810, 4.4579, 4.5695, 4.7966, 5.0066, 5.3043, 9.6586]
    powers = [-13.4, 0, -2.2, -4, -6, -8.2, -9.9, -10.5, -7.5, -15.9, -6.6, -16.7]
    powers += [-12.4, -15.2, -10.8, -11.3, -12.7, -16.2, -18.3, -18.9, -16.6, -19.9, -29.7]
    weights = 10 ** (np.array(powers) / 10) / np.sum(10 ** (np.array(powers) / 10))
    for lag in (1, 8, 30):
        expected = weights @ np.exp(-2j * np.pi * lag * 30e3 * 300e-9 * np.array(delays))
        assert abs(np.mean(h[:, lag] * h[:, 0].conj()) - expected) < 5.5 / np.sqrt(600)


@pytest.mark.parametrize("esn0_db", [-5, 15])
@pytest.mark.parametrize("estimator", ["ls", "lmmse"])
def test_measured_estimation_error_is_the_one_that_the_state_includes(esn0_db: float, estimator: str) -> None:
    parameters: dict[str, Any] = {"esn0_db": esn0_db, "csi": "pilots", "estimator": estimator, "equalizer": "none"}
    outs = [run(seq=seq, doppler_hz=100, delay_spread_ns=100, **parameters) for seq in range(80)]
    found = np.array([out.trace["channel_estimate_mse"] for out in outs])
    interference = (2 * np.pi * 100 / 15e3) ** 2 / 24
    claimed = np.mean(outs[0].state.n0) - 10 ** (-esn0_db / 10) - interference
    assert abs(found.mean() - claimed) < 5.5 * found.std() / np.sqrt(80) + 1e-6


@pytest.mark.parametrize("esn0_db", [0, 20])
@pytest.mark.parametrize("csi", ["perfect", "pilots"])
def test_effective_noise_is_the_noise_there_is(esn0_db: float, csi: str) -> None:
    means = []
    for seq in range(60):
        out = run(X[:1000], seq, esn0_db=esn0_db, csi=csi)
        means.append(np.mean(np.abs(out.value - X[:1000]) ** 2 / out.state.n0))
    assert abs(np.mean(means) - 1) < 5.5 * np.std(means) / np.sqrt(60)


def test_better_knowledge_is_a_smaller_error() -> None:
    mse = {
        name: np.mean(
            [run(seq=seq, esn0_db=5, csi="pilots", estimator=name).trace["channel_estimate_mse"] for seq in range(10)]
        )
        for name in ("ls", "lmmse")
    }
    assert 3 * mse["lmmse"] < mse["ls"]


def test_pilots_are_counted_and_the_prefix_is_not() -> None:
    out = run(csi="pilots", cyclic_prefix=0.25)
    grid = lay_out(N, 48, pilot_spacing=(4, 5))
    assert out.trace["channel_uses"] == N
    assert out.trace["pilot_uses"] == grid.pilots == len(grid.pilot_rows) * 11
    assert out.trace["waveform_efficiency"] == pytest.approx((N + grid.pilots) / (grid.rows * 48) / 1.25)
    assert out.state.csi == "pilots"
    perfect = run()
    assert "pilot_uses" not in perfect.trace
    assert perfect.state.csi == "perfect"
    assert out.value.dtype == out.state.h.dtype == np.complex64
    assert out.state.n0.dtype == np.float32


def test_fast_movement_costs_energy_of_interference() -> None:
    """A Doppler shift of 5 % of the spacing: 10 log10(24 / (2 pi 0.05)^2) = 23.9 dB above the interference."""
    out = run(esn0_db=60, doppler_hz=750, equalizer="none")
    assert 10 * np.log10(np.mean(np.abs(out.value - out.state.h * X) ** 2)) == pytest.approx(-23.86, abs=0.5)
    assert 10 * np.log10(out.state.n0) == pytest.approx(-23.86, abs=0.01)


@pytest.mark.parametrize("csi", ["perfect", "pilots"])
@pytest.mark.parametrize("equalizer", ["mmse", "zf", "lmmse", "none"])
def test_an_empty_frame_and_a_single_symbol(csi: str, equalizer: str) -> None:
    for n in (0, 1):
        out = run(X[:n], csi=csi, equalizer=equalizer)
        assert out.value.shape == out.state.h.shape == (n,)
        assert np.isfinite(out.value).all()


def test_an_item_is_the_same_whatever_came_before() -> None:
    block = Tdl(Tdl.Params(**SMALL, csi="pilots"), name="channel", seed=7)
    block.work(X[:500], Identity(1))
    np.testing.assert_array_equal(block.work(X, Identity(4)).value, run(seq=4, csi="pilots").value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"profile": "E"}, "covers the longest delay of TDL-E, 6196 ns, got 4688 ns"),
        ({"cyclic_prefix": 0.0}, "covers the longest delay of TDL-C, 2596 ns, got 0 ns"),
        ({"doppler_hz": 2000.0}, "at most a tenth of subcarrier_spacing_hz, 1500 Hz, got 2000 Hz"),
        ({"csi": "pilots", "subcarriers": 4}, "every 1 to 4 subcarriers, got 7 and 6"),
        (
            {"csi": "pilots", "pilot_spacing_symbols": 1, "pilot_spacing_subcarriers": 1},
            "leave no room for payload; space them further apart",
        ),
    ],
)
def test_grids_that_cannot_be_are_found_by_the_check(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Tdl.Params(**params)
