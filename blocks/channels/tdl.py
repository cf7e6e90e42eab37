"""`channels/tdl`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from ...errors import SignalError
from ...sim.channels.doppler import SINUSOIDS
from ...sim.channels.ofdm_grid import intercarrier_energy, lay_out
from ...sim.channels.pilots import Correlation
from ...sim.channels.tdl import frequency_response, tap_gains
from ...sim.channels.tdl_profiles import TDL_PROFILES, tdl_taps
from ..block import Block
from ..envelope import Identity, Out
from ..params import BlockParams, Live
from ..ports import Symbols
from ._over_grid import Receiver, cross_grid

__all__ = ["Tdl"]


class Tdl(Block):
    r"""Multipath fading by the profiles TDL-A to TDL-E over an OFDM grid, with pilots or perfect channel state.

    .. math:: y[m, k] = H[m, k]\, x[m, k] + w[m, k], \quad
        H[m, k] = \sum_l a_l(m T)\, e^{-j 2 \pi k \Delta f \tau_l}, \quad
        w \sim \mathcal{CN}(0, N_0 + P_\mathrm{ICI}), \quad N_0 = 10^{-\mathrm{esn0\_db}/10}

    Symbols have no time base; the grid gives them one. Payload fills it OFDM symbol by OFDM symbol; what is left of the
    last one carries nothing and is not charged. One gain per element holds while the cyclic prefix covers all delays
    (checked) and the channel changes little within an OFDM symbol; what it does change reaches the other subcarriers,
    and is added to the noise as :math:`P_\mathrm{ICI} = (2 \pi f_D / \Delta f)^2 / 24`. The energies of the taps sum
    to one, so esn0_db is the mean over the fading. Every item is a realisation of its own. The mean over frequency of
    one realisation fades less than a flat channel: that is the diversity of multipath.

    ``csi: pilots`` multiplexes known QPSK of unit energy into the grid, every so many OFDM symbols and subcarriers,
    the first and the last always. ``ls`` interpolates linearly; ``lmmse`` is the Wiener filter that knows the
    delay profile, the Doppler spread and N0. The noise variance that the equaliser is given and the state carries
    includes the mean error of the estimate. Pilots are channel uses (`pilot_uses`, charged by the sinks); the cyclic
    prefix is not: it is waveform efficiency.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1.
    Output:  complex64 ``[n]``, equalised as in ``channels/rayleigh``; receiver state: n0 (float32 ``[n]``; one number
             with ``none`` and perfect state), h (complex64 ``[n]``: the estimate with pilots), esn0_db, csi; trace:
             signal_energy and noise_energy per payload symbol, channel_uses (payload), pilot_uses,
             channel_estimate_mse, waveform_efficiency (share of elements filled, over one plus the cyclic prefix).
    State:   none: taps and noise of an item depend on the run's seed, the block's name and the item's number.
    Source:  3GPP TR 38.901, sections 7.7.2 and 7.7.3; Li & Cimini, IEEE Trans. Commun. 49(3), 2001 (interference).
    Example: ``channel: {use: channels/tdl, profile: C, csi: pilots, subcarriers: 24, pilot_spacing_symbols: 3}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Mean Es/N0 in dB; Es = 1, E|H|^2 = 1.")
        profile: Literal["A", "B", "C", "D", "E"] = Field("C", description="Table of TR 38.901; D, E: line of sight.")
        delay_spread_ns: float = Field(300.0, ge=0, le=1e5, description="Root-mean-square delay spread in ns.")
        doppler_hz: float = Field(30.0, ge=0, description="Greatest Doppler shift in Hz: speed times carrier over c.")
        subcarrier_spacing_hz: float = Field(15e3, gt=0, le=1e9, description="Subcarrier spacing in Hz.")
        subcarriers: int = Field(600, ge=1, le=3300, description="Used subcarriers.")
        cyclic_prefix: float = Field(
            144 / 2048, ge=0, le=1, description="Cyclic prefix over the useful part of an OFDM symbol."
        )
        csi: Literal["perfect", "pilots"] = Field("perfect", description="How the receiver knows the channel.")
        estimator: Literal["ls", "lmmse"] = Field("lmmse", description="From pilots: least squares, or Wiener filter.")
        pilot_spacing_symbols: int = Field(7, ge=1, description="OFDM symbols from one with pilots to the next.")
        pilot_spacing_subcarriers: int = Field(6, ge=1, description="Subcarriers from one pilot to the next.")
        equalizer: Literal["mmse", "zf", "lmmse", "none"] = Field(
            "mmse", description="mmse and zf: unbiased; lmmse: with its bias; none: the received symbols."
        )

        @model_validator(mode="after")
        def _fits(self) -> Tdl.Params:
            longest_ns = self.delay_spread_ns * max(TDL_PROFILES[self.profile].delays)
            prefix_ns = self.cyclic_prefix / self.subcarrier_spacing_hz * 1e9
            if longest_ns > prefix_ns:
                raise ValueError(
                    f"expected a cyclic prefix that covers the longest delay of TDL-{self.profile}, {longest_ns:.0f} "
                    f"ns, got {prefix_ns:.0f} ns; lengthen cyclic_prefix, or lessen delay_spread_ns or "
                    "subcarrier_spacing_hz"
                )
            if self.doppler_hz > 0.1 * self.subcarrier_spacing_hz:
                raise ValueError(
                    f"expected a doppler_hz of at most a tenth of subcarrier_spacing_hz, "
                    f"{0.1 * self.subcarrier_spacing_hz:g} Hz, got {self.doppler_hz:g} Hz"
                )
            if self.csi == "pilots":
                spacing = (self.pilot_spacing_symbols, self.pilot_spacing_subcarriers)
                try:
                    lay_out(1, self.subcarriers, pilot_spacing=spacing)
                except SignalError as error:
                    raise ValueError(str(error)) from None
            return self

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Send this item over a realisation of its own, and equalise it."""
        p = self.params
        spacing = (p.pilot_spacing_symbols, p.pilot_spacing_subcarriers) if p.csi == "pilots" else None
        grid = lay_out(symbols.size, p.subcarriers, pilot_spacing=spacing)
        row_s = (1 + p.cyclic_prefix) / p.subcarrier_spacing_hz
        taps = tdl_taps(p.profile, p.delay_spread_ns * 1e-9)
        rng = self.rng(identity)
        angles, phases = rng.random((2, taps.energies.size, SINUSOIDS))
        gains = tap_gains(taps, np.arange(grid.rows) * row_s, angles, phases, rng.random(1), doppler_hz=p.doppler_hz)
        numbers = np.arange(p.subcarriers, dtype=np.float64) - p.subcarriers // 2
        h_grid = frequency_response(gains, taps.delays_s, numbers * p.subcarrier_spacing_hz).astype(np.complex64)
        delays = taps.delays_s * p.subcarrier_spacing_hz
        return cross_grid(
            symbols,
            h_grid,
            grid,
            Correlation(taps.energies, delays, p.doppler_hz * row_s, taps.los_energy),
            Receiver(p.esn0_db, p.csi, p.estimator, p.equalizer),
            rng,
            interference=intercarrier_energy(p.doppler_hz, p.subcarrier_spacing_hz),
            waveform_efficiency=grid.filled / (1 + p.cyclic_prefix),
        )
