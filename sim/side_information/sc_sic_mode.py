"""The header of an SC-SIC frame: how large the embedding is."""

from __future__ import annotations

from typing import Annotated

from .codes import Choice
from .field import HeaderField

__all__ = ["DOWNSCALES", "ScSicMode"]

DOWNSCALES = (0.5, 0.75, 1.0)
"""Of the picture's sides before the encoder: [16, 16, 16], [16, 24, 24] and [16, 32, 32] for 1024 x 1024 pixels."""


class ScSicMode(HeaderField, frozen=True):
    """How an SC-SIC frame was made, in 2 bits.

    Attributes:
        downscale: Of the sides before the encoder, one of `DOWNSCALES`; None: the network's own.
    """

    downscale: Annotated[float | None, Choice(2, (None, *DOWNSCALES))] = None
