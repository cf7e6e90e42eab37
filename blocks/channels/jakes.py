"""`channels/jakes`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from ...sim.channels.doppler import SINUSOIDS, clarke
from ...sim.channels.ofdm_grid import lay_out
from ...sim.channels.pilots import Correlation
from ..block import Block
from ..envelope import Identity, Out
from ..params import BlockParams, Live
from ..ports import Symbols
from ._over_grid import Receiver, cross_grid

__all__ = ["Jakes"]


class Jakes(Block):
    r"""Rayleigh flat fading with Clarke's (Jakes') Doppler spectrum, with pilots or perfect channel state.

    .. math:: y[n] = h[n]\, x[n] + w[n], \quad E\, h[n] h^*[n - k] = J_0(2 \pi f_D T_s k),
        \quad w[n] \sim \mathcal{CN}(0, 10^{-\mathrm{esn0\_db}/10})

    E|h|^2 = 1, so esn0_db is the mean over the fading. A Doppler of 0 is block fading: one gain a frame. Every item is
    a realisation of its own. ``csi: pilots`` sends a known QPSK symbol of unit energy first, last, and every
    pilot_spacing_symbols in between; ``ls`` interpolates linearly, ``lmmse`` is the Wiener filter that knows the
    Doppler spread and N0. The noise variance in the state includes the mean error of the estimate.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1.
    Output:  complex64 ``[n]``, equalised as in ``channels/rayleigh``; receiver state: n0 (float32 ``[n]``; one number
             with ``none`` and perfect state), h (complex64 ``[n]``: the estimate with pilots), esn0_db, csi; trace:
             signal_energy and noise_energy per payload symbol, channel_uses (payload), pilot_uses,
             channel_estimate_mse, waveform_efficiency (1: there is no prefix).
    State:   none: fading and noise of an item depend on the run's seed, the block's name and the item's number.
    Source:  Xiao, Zheng & Beaulieu, IEEE Trans. Wireless Commun. 5(12), 2006; Cavers, An analysis of pilot symbol
             assisted modulation for Rayleigh fading channels, IEEE Trans. Veh. Technol. 40(4), 1991.
    Example: ``channel: {use: channels/jakes, normalised_doppler: 0.01, csi: pilots, pilot_spacing_symbols: 10}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Mean Es/N0 in dB; Es = 1, E|h|^2 = 1.")
        normalised_doppler: float = Field(
            0.01, ge=0, le=0.5, description="f_D T_s: greatest Doppler shift in cycles a symbol."
        )
        csi: Literal["perfect", "pilots"] = Field("perfect", description="How the receiver knows the channel.")
        estimator: Literal["ls", "lmmse"] = Field("lmmse", description="From pilots: least squares, or Wiener filter.")
        pilot_spacing_symbols: int = Field(10, ge=1, description="Symbols from one pilot to the next.")
        equalizer: Literal["mmse", "zf", "lmmse", "none"] = Field(
            "mmse", description="mmse and zf: unbiased; lmmse: with its bias; none: the received symbols."
        )

        @model_validator(mode="after")
        def _leaves_room(self) -> Jakes.Params:
            if self.csi == "pilots" and self.pilot_spacing_symbols < 2:
                raise ValueError("expected a pilot_spacing_symbols of at least 2 with csi: pilots, got 1")
            return self

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Fade, add noise and equalise this item."""
        p = self.params
        spacing = (p.pilot_spacing_symbols, 1) if p.csi == "pilots" else None
        grid = lay_out(symbols.size, 1, pilot_spacing=spacing)
        rng = self.rng(identity)
        angles, phases = rng.random((2, SINUSOIDS))
        times = np.arange(grid.rows, dtype=np.float64)
        h_grid = clarke(times, angles, phases, doppler=p.normalised_doppler).astype(np.complex64)[:, None]
        flat = Correlation(np.ones(1), np.zeros(1), p.normalised_doppler)
        return cross_grid(symbols, h_grid, grid, flat, Receiver(p.esn0_db, p.csi, p.estimator, p.equalizer), rng)
