"""What the weights of HEVC with diffusion are called, and the numbers that stand for them. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "SHIPPED", "Variant"]

Variant = Literal["d", "p"]
NUMBERS: dict[Variant, int] = {"d": 120, "p": 121}
"""In ModelId; no frame has them, since the transmitter is HEVC's."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)
