"""A channel that loses one frame, for `video.py`: `--swap channel=benchmarks/one_frame_lost.py:seq=20`."""

from __future__ import annotations

from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.envelope import Identity, Out, State
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Symbols
from semcom.sim.channels.awgn import awgn, n0_from_esn0_db
from semcom.sim.noise import complex_normal

ERASED_N0 = 1e9


class OneFrameLost(Block):
    r"""AWGN, and of one frame nothing.

    .. math:: y = 0 \text{ for frame seq}, \quad y[n] = x[n] + w[n] \text{ else}

    Input:   symbols: complex64 ``[n]``.
    Output:  complex64 ``[n]``; receiver state: n0, esn0_db.
    State:   none.
    Example: ``channel: {use: ./one_frame_lost.py, seq: 20}``
    """

    class Params(BlockParams):
        """Parameters."""

        seq: int = Field(20, ge=0, description="Number of the frame.")
        esn0_db: float = Field(10.0, ge=-30, le=60, description="Es/N0 in dB.")

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Add noise, or give nothing."""
        p = self.params
        if identity.seq == p.seq:
            return Out(symbols * 0, state=State(n0=ERASED_N0, esn0_db=p.esn0_db))
        n0 = n0_from_esn0_db(p.esn0_db)
        noisy = awgn(symbols, complex_normal(self.rng(identity), symbols.size), n0)
        return Out(noisy, state=State(n0=n0, esn0_db=p.esn0_db, csi="perfect"))
