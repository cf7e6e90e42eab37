"""What `channels/tdl` and `channels/jakes` share: symbols cross a faded grid, with pilots or with perfect state."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...sim.channels.awgn import n0_from_esn0_db
from ...sim.channels.fading import flat_fading
from ...sim.channels.ofdm_grid import OfdmGrid
from ...sim.channels.pilots import Correlation, Estimate, ls_estimate, pilot_symbols
from ...sim.channels.wiener import lmmse_estimate
from ...sim.noise import complex_normal
from ..envelope import Out, State
from ..ports import Symbols
from ._noise import energies, energy, equalised

__all__ = ["Receiver", "cross_grid"]


class Receiver(NamedTuple):
    """What both blocks' parameters say of the receiver."""

    esn0_db: float
    csi: Literal["perfect", "pilots"]
    estimator: Literal["ls", "lmmse"]
    equalizer: Literal["mmse", "zf", "lmmse", "none"]


def cross_grid(
    symbols: NDArray[np.complex64],
    h_grid: NDArray[np.complex64],
    grid: OfdmGrid,
    correlation: Correlation,
    receiver: Receiver,
    rng: np.random.Generator,
    *,
    interference: float = 0.0,
    waveform_efficiency: float = 1.0,
) -> Out[Symbols]:
    """Send a frame and the pilots of its grid over one gain per element; estimate the gains and equalise.

    Args:
        symbols: The payload.
        h_grid: complex ``[rows, subcarriers]``: the true gains.
        grid: Where payload and pilots are; without pilots for perfect channel state.
        correlation: Statistics of the channel.
        receiver: Its parameters.
        rng: Draws the noise: of the payload first, then of the pilots.
        interference: Mean energy of further interference, taken as Gaussian noise.
        waveform_efficiency: For the trace.
    """
    n0 = n0_from_esn0_db(receiver.esn0_db)
    disturbed = n0 + interference
    h = h_grid.reshape(-1)[grid.payload]
    noise = complex_normal(rng, symbols.size)
    received = flat_fading(symbols, h, noise, disturbed)
    trace = {**energies(h * symbols, noise, n0), "waveform_efficiency": waveform_efficiency}
    known: NDArray[np.complex64] = h
    variance: float | NDArray[np.float32] = disturbed
    if receiver.csi == "pilots":
        trace["pilot_uses"] = float(grid.pilots)
        if symbols.size:
            found = _estimate(h_grid, grid, correlation, receiver.estimator, rng, disturbed)
            known = found.h.reshape(-1)[grid.payload].astype(np.complex64)
            variance = (disturbed + found.variance.reshape(-1)[grid.payload]).astype(np.float32)
            trace["channel_estimate_mse"] = energy(known - h)
    state = State(n0=variance, h=known, esn0_db=receiver.esn0_db, csi=receiver.csi)
    return equalised(received, state, equalizer=receiver.equalizer, trace=trace)


def _estimate(
    h_grid: NDArray[np.complex64],
    grid: OfdmGrid,
    correlation: Correlation,
    estimator: str,
    rng: np.random.Generator,
    n0: float,
) -> Estimate:
    sent = pilot_symbols(grid.pilots)
    true = h_grid[np.ix_(grid.pilot_rows, grid.pilot_columns)]
    received = flat_fading(sent, true.reshape(-1), complex_normal(rng, sent.size), n0)
    at_pilots = (received * sent.conj()).reshape(true.shape)
    return (lmmse_estimate if estimator == "lmmse" else ls_estimate)(at_pilots, grid, correlation, n0)
