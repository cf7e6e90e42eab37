"""What SC-SIC calls its weights, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["NUMBERS", "SHIPPED", "Variant"]

Shipped = Literal["mini-48", "mini-48-clean", "mini-341"]
SHIPPED: tuple[Shipped, ...] = get_args(Shipped)
"""Our own, which come with the package; the others are of full scale, or tiny."""

Variant = Literal[Shipped, "lite", "large", "tiny"]
NUMBERS: dict[Variant, int] = {"mini-48": 32, "mini-48-clean": 33, "mini-341": 34, "lite": 35, "large": 36, "tiny": 37}
"""In ModelId."""
