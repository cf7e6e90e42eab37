"""The header of features that were put on the points of a constellation."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from .codes import Choice, Flag, HalfPrecision
from .field import HeaderField

__all__ = ["ConstellationFrame", "ConstellationOrder"]

ConstellationOrder = Literal[2, 4, 6, 8, 10, 12]


class ConstellationFrame(HeaderField, frozen=True):
    """How features were put on points, in 20 bits: scale 15, order 3, spreading 1, padding 1.

    Attributes:
        scale: Features over it are what was put on levels; exact in half precision, at least 0.
        bits_per_symbol: Of the QAM.
        spreading: What mixed the features before.
        padded: A zero was appended to make the count even.
    """

    scale: Annotated[float, HalfPrecision()]
    bits_per_symbol: Annotated[ConstellationOrder, Choice(3, get_args(ConstellationOrder))]
    spreading: Annotated[Literal["frame", "none"], Choice(1, ("none", "frame"))]
    padded: Annotated[bool, Flag()] = False
