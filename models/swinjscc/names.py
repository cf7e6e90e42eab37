"""What SwinJSCC calls its weights and rates, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "RATES", "SHIPPED", "Rate", "Variant", "channels_of"]

Variant = Literal["mini", "small", "base"]
NUMBERS: dict[Variant, int] = {"mini": 88, "small": 89, "base": 90}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)

Rate = Literal["1/96", "1/48", "1/24", "1/16", "1/12", "1/8", "1/6"]
RATES: tuple[Rate, ...] = get_args(Rate)
"""In the order of their numbers in SwinMode."""


def channels_of(rate: Rate, stride: int) -> int:
    """Real features of one position that stands for ``stride`` by ``stride`` pixels: two per complex channel use.

    Example:
        >>> channels_of("1/16", 16)
        96
    """
    return int(2 * 3 * stride * stride * Fraction(rate))
