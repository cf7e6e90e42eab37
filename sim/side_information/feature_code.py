"""The header of features that are sent as bits: how their values were quantised."""

from __future__ import annotations

from typing import Annotated, Literal

from .codes import Choice, Whole
from .field import HeaderField

__all__ = ["FeatureCode"]


class FeatureCode(HeaderField, frozen=True):
    """How the values were quantised, in 5 bits: format 1, bits per value 4.

    Attributes:
        format: Of the codes.
        bits_per_value: 1 to 16; 8 for minifloat.
    """

    format: Annotated[Literal["uniform", "minifloat"], Choice(1, ("uniform", "minifloat"))]
    bits_per_value: Annotated[int, Whole(4, 1)]
