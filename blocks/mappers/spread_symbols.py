"""`mappers/spread_symbols`."""

from __future__ import annotations

import numpy as np

from ...sim.constellations.spreading import spread
from ..block import Block
from ..ports import Symbols
from ._spreading import SpreadingParams

__all__ = ["SpreadSymbols"]


class SpreadSymbols(Block):
    r"""Sends each value in many symbols of the frame, so that a fade takes a little of all and not all of a few.

    .. math:: u = H P_2 H P_1 x

    x are the real and imaginary parts; P are fixed permutations with signs, H Hadamard transforms. All are orthonormal:
    the frame has the energy that it had. For symbols of networks, which no channel code protects;
    ``mappers/despread_symbols`` undoes it, and must be there: nothing in the frame says that it was spread.

    Input:   symbols: complex64 ``[n]``.
    Output:  complex64 ``[n]``; with ``spreading: none`` as it came.
    State:   none.
    Source:  Jakubczak & Katabi, SoftCast, MobiCom 2011, section 3.3 (a Hadamard transform, there against packet loss).
    Example: ``spread: {use: mappers/spread_symbols}``
    """

    Params = SpreadingParams
    params: SpreadingParams

    def work(self, symbols: Symbols) -> Symbols:
        """Mix one frame."""
        if self.params.spreading == "none":
            return symbols
        values = np.ascontiguousarray(symbols).view(np.float32).astype(np.float64)
        return spread(values).astype(np.float32).view(np.complex64)
