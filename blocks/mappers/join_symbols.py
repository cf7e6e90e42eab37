"""`mappers/join_symbols`."""

from __future__ import annotations

import numpy as np

from ...sim.side_information.joined_symbols import JoinedSymbols
from ..block import Block
from ..envelope import Out
from ..ports import Symbols

__all__ = ["JoinSymbols"]


class JoinSymbols(Block):
    r"""Sends two streams of symbols in one frame, the second behind the first.

    .. math:: s = (s_1[0], \dots, s_1[n_1 - 1], s_2[0], \dots, s_2[n_2 - 1])

    A caption behind a latent, say: both cross the same channel, and both are charged. Each keeps its energy.
    ``mappers/part_of_symbols`` takes them apart.

    Input:   first: complex64 ``[n1]``; second: complex64 ``[n2]``, at most 65535; none where it is not connected.
    Output:  complex64 ``[n1 + n2]``; header: JoinedSymbols, 16 bits.
    Raises:  SignalError: the second is longer; or both write the same field of the header, and not alike.
    State:   none.
    Example: ``join: {use: mappers/join_symbols}``
    """

    writes_header = (JoinedSymbols,)

    def work(self, first: Symbols, second: Symbols | None = None) -> Out[Symbols]:
        """Join the streams of one frame."""
        if second is None:
            return Out(first, header=JoinedSymbols(0))
        return Out(np.concatenate([first, second]), header=JoinedSymbols(second.size))
