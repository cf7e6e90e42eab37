"""What the weights of coders with diffusion are called, and the numbers that stand for them. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "SHIPPED", "Variant"]

Variant = Literal["hevc-d", "hevc-p", "vvc-d", "vvc-p"]
NUMBERS: dict[Variant, int] = {"hevc-d": 120, "hevc-p": 121, "vvc-d": 122, "vvc-p": 123}
"""In ModelId; no frame has them, since the transmitter is a standard's."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)
