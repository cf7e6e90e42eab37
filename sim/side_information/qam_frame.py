"""The header of bits that were mapped to a QAM of the mapper's own choice."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from ...errors import SignalError
from .codes import Choice, Whole
from .field import HeaderField

__all__ = ["BitsPerSymbol", "QamFrame"]

BitsPerSymbol = Literal[2, 4, 6, 8, 10]


class QamFrame(HeaderField, frozen=True):
    """How a frame was mapped, in 7 bits: constellation 3, padding 4; where the scheme says it already there is none.

    Attributes:
        bits_per_symbol: Of the constellation.
        padding: Zeros appended to fill the last symbol.
    """

    bits_per_symbol: Annotated[BitsPerSymbol, Choice(3, get_args(BitsPerSymbol))]
    padding: Annotated[int, Whole(4, 0, 9)] = 0

    def payload(self, size: int) -> int:
        """How many of a frame's bits are not padding.

        Args:
            size: Bits of all its symbols.

        Raises:
            SignalError: fewer than were appended, so that it is not the frame that was sent.
        """
        if self.padding > size:
            raise SignalError(f"QamFrame: expected a padding of 0 to {size} bits, got {self.padding}")
        return size - self.padding
