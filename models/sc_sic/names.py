"""What SC-SIC calls its weights, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["NUMBERS", "SHIPPED", "Own", "Variant"]

Own = Literal["mini-48", "mini-48-clean", "mini-341"]
"""Of our training; these come with the package."""
Variant = Literal[Own, "lite", "large", "tiny"]
NUMBERS: dict[Variant, int] = {"mini-48": 32, "mini-48-clean": 33, "mini-341": 34, "lite": 35, "large": 36, "tiny": 37}
"""In ModelId."""

SHIPPED = ShippedWeights("sc-sic", Path(__file__).parent / "weights")
