"""`channels/phase_noise`."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from ...sim.channels.phase_noise import common_phase, rotate, stationary_phase, wiener_phase
from ..block import Block
from ..envelope import Identity
from ..params import BlockParams, Live
from ..ports import Symbols

__all__ = ["PhaseNoise"]


class PhaseNoise(Block):
    r"""Phase noise of an oscillator: free-running, or held by a loop.

    .. math:: y[n] = x[n]\, e^{j \varphi[n]}, \quad
        \text{wiener: } \operatorname{var} \varphi[n] = 2 \pi \beta T n, \quad
        \text{stationary: } E[\varphi[n]\, \varphi[n+k]] = \sigma^2 e^{-2 \pi B T |k|}

    with linewidth :math:`\beta`, loop bandwidth B, :math:`\sigma` = rms_deg and T = 1 / symbol_rate_hz. A random walk
    starts at zero at the first symbol of each frame. ``tracking: ideal`` takes off the phase that is common to each
    block of ``tracking_symbols``, known perfectly; what moves within a block stays. An impairment without noise of its
    own: ``channels/cascade`` joins it with ``channels/awgn``.

    Input:   symbols: complex64 ``[n]``.
    Output:  complex64 ``[n]``; the receiver's state passes through.
    State:   none: the phase of an item depends on the run's seed, the block's name and the item's number.
    Source:  Demir, Mehrotra & Roychowdhury, Phase noise in oscillators, IEEE Trans. Circuits Syst. I 47(5), 2000.
    Example: ``channel: {use: channels/phase_noise, model: stationary, rms_deg: 2, bandwidth_hz: 10e3}``
    """

    class Params(BlockParams):
        """Parameters."""

        model: Literal["wiener", "stationary"] = Field(
            "stationary", description="wiener: a free-running oscillator; stationary: what a locked loop leaves."
        )
        symbol_rate_hz: float = Field(1e6, gt=0, le=1e12, description="Symbols a second, in Hz.")
        linewidth_hz: Live[float] = Field(
            10.0, ge=0, le=1e12, description="wiener: two-sided 3 dB linewidth of the Lorentzian spectrum, in Hz."
        )
        rms_deg: Live[float] = Field(2.0, ge=0, le=360, description="stationary: rms phase in degrees.")
        bandwidth_hz: float = Field(
            10e3, ge=0, le=1e12, description="stationary: bandwidth of the loop, in Hz; 0 keeps the phase over a frame."
        )
        tracking: Literal["none", "ideal"] = Field(
            "none", description="ideal: the phase common to each block is known and taken off."
        )
        tracking_symbols: int | None = Field(
            None, ge=1, description="Symbols of a block of the tracking; null: the whole frame."
        )

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Symbols:
        """Turn this item's symbols."""
        p = self.params
        normals = self.rng(identity).standard_normal(symbols.size)
        if p.model == "wiener":
            phase = wiener_phase(normals, p.linewidth_hz / p.symbol_rate_hz)
        else:
            correlation = math.exp(-2 * math.pi * p.bandwidth_hz / p.symbol_rate_hz)
            phase = stationary_phase(normals, math.radians(p.rms_deg), correlation)
        if p.tracking == "ideal":
            phase = phase - common_phase(phase, p.tracking_symbols)
        return rotate(symbols, np.asarray(phase))
