"""The header of an SC-SIC frame: which weights made it, and how large the embedding is."""

from __future__ import annotations

from ..errors import SignalError
from .envelope import HeaderField

__all__ = ["DOWNSCALES", "ScSicMode"]

DOWNSCALES = (0.5, 0.75, 1.0)
"""Of the picture's sides before the encoder: [16, 16, 16], [16, 24, 24] and [16, 32, 32] for 1024 x 1024 pixels."""


class ScSicMode(HeaderField, frozen=True):
    """How an SC-SIC frame was made, in 16 bits: which weights (14), and the size of the embedding (2).

    Attributes:
        weights: 14 bits of a check sum of the transmitter's weights: the receiver knows whether they are its own.
        size: 0 for the network's own; else the number of one of `DOWNSCALES`, counted from 1.
    """

    weights: int
    size: int = 0

    @classmethod
    def of(cls, weights: int, downscale: float | None) -> ScSicMode:
        """Return the field for a downscale; None: the network's own."""
        return cls(weights, 0 if downscale is None else 1 + DOWNSCALES.index(downscale))

    @property
    def downscale(self) -> float | None:
        """Of the sides; None: the network's own.

        Raises:
            SignalError: no transmitter writes such a size.
        """
        if not 0 <= self.size <= len(DOWNSCALES):
            raise SignalError(
                f"ScSicMode: expected a size of 0 to {len(DOWNSCALES)}, got {self.size}; give the header that came "
                "with the frame"
            )
        return None if self.size == 0 else DOWNSCALES[self.size - 1]

    def bits(self) -> int:
        """14 and 2."""
        return 16
