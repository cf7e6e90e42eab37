"""What DeepJSCC calls its weights and rates, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "RATES", "SHIPPED", "Rate", "Variant"]

Variant = Literal["adaptive", "linear", "quantised"]
NUMBERS: dict[Variant, int] = {"adaptive": 1, "linear": 2, "quantised": 3}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)

Rate = Literal["1/48", "1/24", "1/12", "1/6"]
RATES: tuple[Rate, ...] = get_args(Rate)
"""In the order of their numbers in JsccMode."""
