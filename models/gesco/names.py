"""What the weights of GESCO are called, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "SHIPPED", "Variant"]

Variant = Literal["mini", "cityscapes", "coco", "ade20k"]
NUMBERS: dict[Variant, int] = {"mini": 64, "cityscapes": 65, "coco": 66, "ade20k": 67}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)
