"""What DeepJSCC calls its weights and rates, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from ...errors import SignalError
from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "RATES", "SHIPPED", "Rate", "Variant", "rate_at_most"]

Variant = Literal["adaptive", "linear", "quantised", "perceptual", "gan"]
NUMBERS: dict[Variant, int] = {"adaptive": 1, "linear": 2, "quantised": 3, "perceptual": 4, "gan": 5}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)

Rate = Literal["1/48", "1/24", "1/12", "1/6"]
RATES: tuple[Rate, ...] = get_args(Rate)
"""In the order of their numbers in JsccMode."""


def rate_at_most(cbr: float) -> Rate:
    """Return the greatest rate that is not above a CBR, but for rounding.

    Raises:
        SignalError: all are.

    Example:
        >>> rate_at_most(0.1)
        '1/12'
    """
    fitting = [rate for rate in RATES if float(Fraction(rate)) <= cbr * (1 + 1e-6)]
    if not fitting:
        raise SignalError(f"deepjscc: expected a CBR of at least {RATES[0]}, got {cbr:g}")
    return fitting[-1]
