"""What the weights of latent diffusion are called, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "SHIPPED", "Full", "Own", "Variant"]

Own = Literal["mini-96", "mini-96-one-step"]
"""Of our training; these come with the package."""
Full = Literal["sd-1.5", "sd"]
"""Stable Diffusion 1.5, and any checkpoint of its layout."""
Variant = Literal[Own, Full]
NUMBERS: dict[Variant, int] = {"mini-96": 48, "sd-1.5": 49, "sd": 50, "mini-96-one-step": 51}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)
