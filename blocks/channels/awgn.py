"""`channels/awgn`."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ...sim.channels.awgn import awgn, n0_from_esn0_db
from ...sim.noise import complex_normal
from ..block import Block
from ..envelope import Identity, Out, State
from ..params import BlockParams, Live
from ..ports import Symbols

__all__ = ["Awgn"]


class Awgn(Block):
    r"""Adds circularly symmetric complex Gaussian noise.

    .. math:: y[n] = x[n] + w[n], \quad w[n] \sim \mathcal{CN}(0, N_0), \quad N_0 = 10^{-\mathrm{esn0\_db}/10}

    The noise has variance N0 per complex symbol, N0/2 per real dimension. Es/N0 is what its name says when the symbols
    have unit mean energy, as the mappers make them; the block does not normalise.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1.
    Output:  complex64 ``[n]``; receiver state: n0, esn0_db, perfect; trace: signal_energy and noise_energy per symbol,
             channel_uses.
    State:   none: the noise of an item depends on the run's seed, the block's name and the item's number.
    Source:  Proakis & Salehi, Digital Communications, 5th ed., section 2.9.
    Example: ``channel: {use: channels/awgn, esn0_db: 10}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Es/N0 in dB; Es = 1.")

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Add this item's noise."""
        n0 = n0_from_esn0_db(self.params.esn0_db)
        noise = complex_normal(self.rng(identity), symbols.size)
        uses = max(symbols.size, 1)
        return Out(
            awgn(symbols, noise, n0),
            state=State(n0=n0, esn0_db=self.params.esn0_db, csi="perfect"),
            trace={
                "signal_energy": float(np.vdot(symbols, symbols).real) / uses,
                "noise_energy": n0 * float(np.vdot(noise, noise).real) / uses,
                "channel_uses": float(symbols.size),
            },
        )
