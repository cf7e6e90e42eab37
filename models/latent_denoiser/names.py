"""What the weights of the latent denoiser are called, and the numbers that stand for them. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "SHIPPED", "Variant"]

Variant = Literal["mini-96"]
NUMBERS: dict[Variant, int] = {"mini-96": 56}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)
