"""The header of two streams of symbols that share a frame: where the one ends."""

from __future__ import annotations

from typing import Annotated

from .codes import Whole
from .field import HeaderField

__all__ = ["JoinedSymbols"]


class JoinedSymbols(HeaderField, frozen=True):
    """How many symbols of a frame are of its second stream, in 16 bits; the receiver counts all of them.

    Attributes:
        second: Symbols at the frame's end.
    """

    second: Annotated[int, Whole(16)]
