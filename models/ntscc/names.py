"""What NTSCC calls its weights, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "SHIPPED", "Variant"]

Variant = Literal["small", "midi", "mini"]
NUMBERS: dict[Variant, int] = {"small": 105, "midi": 106, "mini": 104}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)
