"""The header of a part of a coded video."""

from __future__ import annotations

from typing import Annotated

from .codes import Flag, Whole
from .field import HeaderField

__all__ = ["StreamPart"]


class StreamPart(HeaderField, frozen=True):
    """What a frame carries of a coded video, in 11 bits: number 8, and 1 each for begins, ends, key.

    Attributes:
        number: 0 for the first frame of a transmitter, then 1 to 255 and again from 1.
        begins: A coded picture begins with this frame.
        ends: One ends in it.
        key: It is one that a decoder may begin at.
    """

    number: Annotated[int, Whole(8)]
    begins: Annotated[bool, Flag()]
    ends: Annotated[bool, Flag()]
    key: Annotated[bool, Flag()]
