"""`mappers/part_of_symbols`."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.side_information.joined_symbols import JoinedSymbols
from ..block import Block
from ..envelope import Header, Out, State
from ..params import BlockParams
from ..ports import Symbols

__all__ = ["PartOfSymbols"]


class PartOfSymbols(Block):
    r"""Takes one of two streams of symbols out of a frame.

    .. math:: s_1 = (s[0], \dots, s[n - n_2 - 1]), \quad s_2 = (s[n - n_2], \dots, s[n - 1])

    What ``mappers/join_symbols`` joined: two of these blocks stand behind the channel, one a stream. What the receiver
    knows of each symbol, its noise and its channel coefficient, is cut alike.

    Input:   symbols: complex64 ``[n]``; header: JoinedSymbols; state: n0 and h, one number or ``[n]``.
    Output:  complex64 ``[n - n2]`` or ``[n2]``.
    Raises:  SignalError: no JoinedSymbols came, or the frame has fewer symbols than it says.
    State:   none.
    Example: ``latent: {use: mappers/part_of_symbols, part: first}``
    """

    class Params(BlockParams):
        """Parameters."""

        part: Literal["first", "second"] = Field("first", description="Which stream.")

    params: Params
    reads_header = (JoinedSymbols,)

    def work(self, symbols: Symbols, header: Header, state: State) -> Out[Symbols]:
        """Take a stream of one frame."""
        second = header.read(JoinedSymbols).second
        if second > symbols.size:
            raise SignalError(
                f"mappers/part_of_symbols: expected {second} symbols or more, those of the second stream as the header "
                f"says, got {symbols.size}; connect what has all of the frame's symbols"
            )
        ends = symbols.size - second
        place = slice(None, ends) if self.params.part == "first" else slice(ends, None)

        def cut(known: Any) -> Any:
            return known[place] if np.shape(known) == symbols.shape else known

        return Out(symbols[place], state=State(n0=cut(state.n0), h=cut(state.h)))
