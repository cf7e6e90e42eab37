"""`mappers/interleave_symbols`."""

from __future__ import annotations

from ...sim.codes.interleaver import interleaver_order
from ..block import Block
from ..codes._interleaver import InterleaverParams
from ..ports import Symbols

__all__ = ["InterleaveSymbols"]


class InterleaveSymbols(Block):
    r"""Sends symbols in another order, so that a fade or a burst of noise is spread over the frame.

    .. math:: y[n] = x[\pi(n)]

    For learned symbols, which no channel code protects. The orders are those of ``codes/interleave``;
    ``mappers/deinterleave_symbols`` with the same parameters undoes it.

    Input:   symbols: complex64 ``[n]``.
    Output:  complex64 ``[n]``.
    State:   none.
    Example: ``spread: {use: mappers/interleave_symbols, kind: random, seed: 1}``
    """

    Params = InterleaverParams
    params: InterleaverParams

    def work(self, symbols: Symbols) -> Symbols:
        """Reorder one frame."""
        p = self.params
        return symbols[interleaver_order(symbols.size, p.kind, rows=p.rows, seed=p.seed)]
