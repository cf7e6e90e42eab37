"""The header of a frame of unit mean energy: the scale it had before."""

from __future__ import annotations

from typing import Annotated

from .codes import Flag, HalfPrecision
from .field import HeaderField

__all__ = ["PowerScale"]


class PowerScale(HeaderField, frozen=True):
    """What the receiver multiplies by to undo the frame's normalisation, in 16 bits.

    Attributes:
        scale: Exact in half precision, at least 0.
        padded: A zero was appended to make the count even.
    """

    scale: Annotated[float, HalfPrecision()]
    padded: Annotated[bool, Flag()] = False
