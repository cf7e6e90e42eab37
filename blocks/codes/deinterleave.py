"""`codes/deinterleave`."""

from __future__ import annotations

from ...sim.codes.interleaver import interleaver_order, inverse_order
from ..block import Block
from ..ports import Llrs
from ._interleaver import InterleaverParams

__all__ = ["Deinterleave"]


class Deinterleave(Block):
    r"""Puts the LLRs of bits back into the order they had before ``codes/interleave``.

    .. math:: y[\pi(n)] = x[n]

    Input:   llrs: float32 ``[n]``.
    Output:  float32 ``[n]``.
    State:   none.
    Example: ``gather: {use: codes/deinterleave, kind: block, rows: 8}``
    """

    Params = InterleaverParams
    params: InterleaverParams

    def work(self, llrs: Llrs) -> Llrs:
        """Reorder one frame."""
        p = self.params
        return llrs[inverse_order(interleaver_order(llrs.size, p.kind, rows=p.rows, seed=p.seed))]
