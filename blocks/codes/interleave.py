"""`codes/interleave`."""

from __future__ import annotations

from ...sim.codes.interleaver import interleaver_order
from ..block import Block
from ..ports import Bits
from ._interleaver import InterleaverParams

__all__ = ["Interleave"]


class Interleave(Block):
    r"""Sends bits in another order, so that errors which come in bursts are spread.

    .. math:: y[n] = x[\pi(n)]

    ``block`` writes them row by row into a rectangle and reads column by column; ``random`` is a permutation that the
    seed alone decides. ``codes/deinterleave`` with the same parameters undoes it.

    Input:   bits: uint8 ``[n]``.
    Output:  uint8 ``[n]``.
    State:   none.
    Example: ``spread: {use: codes/interleave, kind: block, rows: 8}``
    """

    Params = InterleaverParams
    params: InterleaverParams

    def work(self, bits: Bits) -> Bits:
        """Reorder one frame."""
        p = self.params
        return bits[interleaver_order(bits.size, p.kind, rows=p.rows, seed=p.seed)]
