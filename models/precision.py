"""In what numbers a network computes. Needs no torch."""

from __future__ import annotations

from typing import Literal

__all__ = ["Precision"]

Precision = Literal["float32", "bfloat16"]
