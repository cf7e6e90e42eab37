"""The header of features that a uniform quantiser made bits of: the largest magnitude that it does not clip."""

from __future__ import annotations

from typing import Annotated

from .codes import HalfPrecision
from .field import HeaderField

__all__ = ["FullScale"]


class FullScale(HeaderField, frozen=True):
    """Of the uniform quantiser, in 15 bits.

    Attributes:
        full_scale: Exact in half precision, at least 0.
    """

    full_scale: Annotated[float, HalfPrecision()]
