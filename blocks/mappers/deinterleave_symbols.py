"""`mappers/deinterleave_symbols`."""

from __future__ import annotations

import numpy as np

from ...errors import SignalError
from ...sim.codes.interleaver import interleaver_order, inverse_order
from ..block import Block
from ..codes._interleaver import InterleaverParams
from ..envelope import Out, State
from ..ports import Symbols

__all__ = ["DeinterleaveSymbols"]


class DeinterleaveSymbols(Block):
    r"""Puts symbols, and what is known of each, back into the order they had before ``mappers/interleave_symbols``.

    .. math:: y[\pi(n)] = x[n]

    Input:   symbols: complex64 ``[n]``; state: n0 and h, those of them that came, one number or ``[n]``.
    Output:  complex64 ``[n]``; receiver state: n0 and h in the same order.
    Raises:  SignalError: n0 or h has another length than the frame.
    State:   none.
    Example: ``gather: {use: mappers/deinterleave_symbols, kind: random, seed: 1}``
    """

    Params = InterleaverParams
    params: InterleaverParams

    def work(self, symbols: Symbols, state: State) -> Out[Symbols]:
        """Reorder one frame."""
        p = self.params
        order = inverse_order(interleaver_order(symbols.size, p.kind, rows=p.rows, seed=p.seed))
        for name in ("n0", "h"):
            size = np.size(getattr(state, name)) if isinstance(getattr(state, name), np.ndarray) else symbols.size
            if size != symbols.size:
                raise SignalError(
                    f"mappers/deinterleave_symbols: expected {symbols.size} values of {name} in the receiver's state, "
                    f"got {size}"
                )
        n0 = state.n0[order] if isinstance(state.n0, np.ndarray) else None
        return Out(symbols[order], state=State(n0=n0, h=None if state.h is None else state.h[order]))
