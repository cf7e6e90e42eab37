"""`channels/jakes`."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import j0
from semcom.blocks.channels.jakes import Jakes
from semcom.blocks.envelope import Identity

BITS = np.random.default_rng(0).integers(0, 2, (2, 2000))
QPSK = ((1 - 2 * BITS[0] + 1j * (1 - 2 * BITS[1])) / np.sqrt(2)).astype(np.complex64)


def run(x: np.ndarray = QPSK, seq: int = 0, **params: Any) -> Any:
    return Jakes(Jakes.Params(**params), name="channel", seed=7).work(x, Identity(seq))


@pytest.mark.parametrize("esn0_db", [0, 10, 20])
def test_bit_error_rate_of_qpsk_is_rayleighs(esn0_db: float) -> None:
    r"""(1 - sqrt(g / (1 + g))) / 2 with g = Eb/N0 (Proakis & Salehi, eq. 13.3-7)."""
    rates = []
    for seq in range(500):
        out = run(QPSK[:200], seq, esn0_db=esn0_db, normalised_doppler=0.3)
        wrong = np.count_nonzero((out.value.real < 0) != BITS[0, :200])
        rates.append((wrong + np.count_nonzero((out.value.imag < 0) != BITS[1, :200])) / 400)
    ebn0 = 10 ** (esn0_db / 10) / 2
    expected = 0.5 * (1 - np.sqrt(ebn0 / (1 + ebn0)))
    assert abs(np.mean(rates) - expected) < 5 * np.std(rates) / np.sqrt(500)  # items are independent, symbols are not


@pytest.mark.parametrize("doppler", [0.0, 0.01, 0.2])
def test_gains_correlate_as_bessels_function(doppler: float) -> None:
    h = np.array([run(QPSK[:60], seq, normalised_doppler=doppler).state.h for seq in range(1000)])
    for lag in (0, 1, 7, 59):
        found = np.mean(h[:, lag] * h[:, 0].conj())
        assert abs(found - j0(2 * np.pi * doppler * lag)) < 5.5 / np.sqrt(1000)


@pytest.mark.parametrize("esn0_db", [0, 15])
def test_ls_at_the_pilots_has_the_noise_of_the_pilots(esn0_db: float) -> None:
    """Block fading: linear interpolation between two pilots at u has N0 (u^2 + (1 - u)^2), and no error of its own."""
    params: dict[str, Any] = {"normalised_doppler": 0.0, "csi": "pilots", "estimator": "ls", "pilot_spacing_symbols": 5}
    outs = [run(QPSK[:400], seq, esn0_db=esn0_db, **params) for seq in range(100)]
    found = np.array([out.trace["channel_estimate_mse"] for out in outs])
    u = np.arange(1, 5) / 5
    expected = 10 ** (-esn0_db / 10) * np.mean(u**2 + (1 - u) ** 2)
    assert abs(found.mean() - expected) < 5.5 * found.std() / 10


@pytest.mark.parametrize("esn0_db", [-5, 10, 25])
@pytest.mark.parametrize("doppler", [0.0, 0.02])
def test_lmmse_is_never_worse_than_ls(esn0_db: float, doppler: float) -> None:
    mse = {}
    for name in ("ls", "lmmse"):
        outs = [
            run(seq=seq, esn0_db=esn0_db, normalised_doppler=doppler, csi="pilots", estimator=name) for seq in range(5)
        ]
        mse[name] = np.mean([out.trace["channel_estimate_mse"] for out in outs])
        claimed = np.mean(
            run(esn0_db=esn0_db, normalised_doppler=doppler, csi="pilots", estimator=name, equalizer="none").state.n0
        )
        assert claimed > 10 ** (-esn0_db / 10)
    assert mse["lmmse"] < mse["ls"]


@pytest.mark.parametrize("estimator", ["ls", "lmmse"])
def test_effective_noise_is_the_noise_there_is(estimator: str) -> None:
    means = []
    for seq in range(60):
        out = run(seq=seq, csi="pilots", estimator=estimator, esn0_db=20, normalised_doppler=0.02, equalizer="none")
        means.append(np.mean(np.abs(out.value - out.state.h * QPSK) ** 2 / out.state.n0))
    assert abs(np.mean(means) - 1) < 5.5 * np.std(means) / np.sqrt(60)


def test_pilots_are_counted() -> None:
    """2000 symbols, a pilot after every 9 of them, one at the end: 222 full gaps, 2 symbols more, 224 pilots."""
    out = run(csi="pilots", pilot_spacing_symbols=10)
    assert out.trace["pilot_uses"] == 224
    assert out.trace["channel_uses"] == 2000
    assert out.trace["waveform_efficiency"] == 1
    assert out.state.csi == "pilots"


@pytest.mark.parametrize("csi", ["perfect", "pilots"])
@pytest.mark.parametrize("equalizer", ["mmse", "zf", "lmmse", "none"])
def test_an_empty_frame_and_a_single_symbol(csi: str, equalizer: str) -> None:
    for n in (0, 1):
        out = run(QPSK[:n], csi=csi, equalizer=equalizer)
        assert out.value.shape == out.state.h.shape == (n,)
        assert out.value.dtype == np.complex64


def test_fading_belongs_to_the_item() -> None:
    np.testing.assert_array_equal(run(seq=3).value, run(seq=3).value)
    assert not np.array_equal(run(seq=3).state.h, run(seq=4).state.h)


def test_pilots_that_leave_no_room() -> None:
    with pytest.raises(ValidationError, match="expected a pilot_spacing_symbols of at least 2 with csi: pilots, got 1"):
        Jakes.Params(csi="pilots", pilot_spacing_symbols=1)
