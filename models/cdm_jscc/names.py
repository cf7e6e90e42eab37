"""What CDM-JSCC calls its weights, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["NUMBERS", "SHIPPED", "Variant"]

Variant = Literal["p", "d"]
NUMBERS: dict[Variant, int] = {"d": 16, "p": 17}
"""In ModelId."""

SHIPPED = ShippedWeights("cdm-jscc", Path(__file__).parent / "weights")
