"""The header of a picture: its size."""

from __future__ import annotations

from typing import Annotated

from .codes import Whole
from .field import HeaderField

__all__ = ["ImageShape"]


class ImageShape(HeaderField, frozen=True):
    """Height and width of the picture in pixels, 1 to 65535, 16 bits each."""

    height: Annotated[int, Whole(16, 1, 65535)]
    width: Annotated[int, Whole(16, 1, 65535)]
