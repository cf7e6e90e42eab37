"""The header of a picture: its size."""

from __future__ import annotations

from .envelope import HeaderField

__all__ = ["ImageShape"]


class ImageShape(HeaderField, frozen=True):
    """Height and width of the picture in pixels, 16 bits each."""

    height: int
    width: int

    def bits(self) -> int:
        """Twice 16."""
        return 32
