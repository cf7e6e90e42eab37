"""What header fields say of a video's frame in tiles: its size, the side of a tile, and its number."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import SignalError
from .codes import Whole
from .field import BitReader, BitWriter

__all__ = ["Tiling"]

_SIDE = Whole(16, 1, 65535)
_TILE = Whole(3, 1)  # in units of 16 pixels
_UNIT = 16
_FRAME = Whole(8)
_MOST_TILES = 65536


class Tiling(NamedTuple):
    """A frame in tiles, in 43 bits: height and width 16 each, tile 3, number 8.

    Attributes:
        height: Of the frame, pixels.
        width: Of the frame, pixels.
        tile: Side of a tile in pixels, a multiple of 16 up to 128.
        frame: Its number; see `frame_number`.
    """

    height: int
    width: int
    tile: int
    frame: int

    def write(self, out: BitWriter, who: str) -> None:
        """Append the bits; ``who`` is the field, for messages."""
        if self.tile % _UNIT:
            raise SignalError(f"{who}.tile: expected a multiple of {_UNIT}, got {self.tile}")
        _SIDE.write(out, f"{who}.height", self.height)
        _SIDE.write(out, f"{who}.width", self.width)
        _TILE.write(out, f"{who}.tile", self.tile // _UNIT)
        _FRAME.write(out, f"{who}.frame", self.frame)

    @classmethod
    def read(cls, bits: BitReader, who: str) -> Tiling:
        """Take the bits."""
        height, width = _SIDE.read(bits, f"{who}.height"), _SIDE.read(bits, f"{who}.width")
        tile = _UNIT * _TILE.read(bits, f"{who}.tile")
        return cls(height, width, tile, _FRAME.read(bits, f"{who}.frame"))

    def grid(self, who: str) -> tuple[int, int]:
        """Rows and columns of tiles.

        Raises:  SignalError: they are more than any header could mean.
        """
        rows, columns = -(-self.height // self.tile), -(-self.width // self.tile)
        if rows * columns > _MOST_TILES:
            raise SignalError(f"{who}: expected at most {_MOST_TILES} tiles, got {rows} x {columns}; take larger ones")
        return rows, columns
