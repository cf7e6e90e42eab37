"""Ratios as parameters: a number, or a fraction as a text."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["Ratio"]


def _ratio(value: float | str) -> float | str:
    try:
        number = float(Fraction(value))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"expected a number or a fraction such as 1/12, got {value!r}") from None
    if not 0 < number <= 1000:
        raise ValueError(f"expected a ratio above 0 and up to 1000, got {value!r}")
    return value


Ratio = Annotated[float | str, AfterValidator(_ratio)]
"""Above 0 and up to 1000; ``Fraction(value)`` reads it."""
