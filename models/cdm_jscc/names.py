"""What CDM-JSCC calls its weights, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from typing import Literal

__all__ = ["NUMBERS", "Variant"]

Variant = Literal["p", "d"]
NUMBERS: dict[Variant, int] = {"d": 16, "p": 17}
"""In ModelId."""
