"""The header of a frame of a video that sends some of its tiles."""

from __future__ import annotations

from functools import lru_cache
from typing import Self

from ...errors import SignalError
from ..codes.arithmetic import ArithmeticDecoder, ArithmeticEncoder
from .field import BitReader, BitWriter, HeaderField, Known
from .tiling import Tiling

__all__ = ["TileMap"]

_PLAIN, _CODED = 0, 1
_PRIORS = (32, 128, 128, 200, 96, 160, 160, 230)
"""Probability in 1/256 that a tile is sent, by whether its west, north and north-east neighbours are (4, 2, 1)."""


class TileMap(HeaderField, frozen=True):
    """Which tiles of a frame are sent: 44 bits and a map, by an adaptive arithmetic coder or a bit a tile.

    Height and width 16 bits each, tile 3, number 8, and 1 that says how the map follows, row by row.

    Attributes:
        height: Of the frame, pixels.
        width: Of the frame, pixels.
        tile: Side of a tile in pixels, a multiple of 16 up to 128.
        frame: 0 for the first frame of a transmitter, then 1 to 255 and again from 1.
        sent: One byte a tile, row by row: 1 where it is sent.
    """

    height: int
    width: int
    tile: int
    frame: int
    sent: bytes

    def write(self, out: BitWriter) -> None:
        """Append the field's bits."""
        tiling = Tiling(self.height, self.width, self.tile, self.frame)
        tiling.write(out, "TileMap")
        rows, columns = tiling.grid("TileMap")
        if len(self.sent) != rows * columns or max(self.sent, default=0) != 1:
            raise SignalError(
                f"TileMap: expected 0 or 1 for each of {rows} x {columns} tiles, and a 1 at least, got "
                f"{len(self.sent)} of up to {max(self.sent, default=0)}"
            )
        coded = _encoded(self.sent, columns)
        shorter = len(coded) < len(self.sent)
        out.put(_CODED if shorter else _PLAIN, 1)
        out.put_text(coded if shorter else "".join(map(str, self.sent)))

    @classmethod
    def read(cls, bits: BitReader, known: Known) -> Self:
        """Take the field's bits."""
        tiling = Tiling.read(bits, "TileMap")
        rows, columns = tiling.grid("TileMap")
        if bits.take("TileMap", 1) == _PLAIN:
            sent = bytes(bits.take("TileMap.sent", 1) for _ in range(rows * columns))
        else:
            decoder = ArithmeticDecoder(_PRIORS, bits.text[bits.at :])
            sent = _coded(decoder, rows * columns, columns)
            bits.at += decoder.size
        if not any(sent):
            raise SignalError(f"TileMap: expected a tile at least, got none of {rows} x {columns}")
        return cls(*tiling, sent)


@lru_cache(maxsize=8)  # a header is packed when it is written, and when its length is asked for
def _encoded(sent: bytes, columns: int) -> str:
    encoder = ArithmeticEncoder(_PRIORS)
    _coded(encoder, len(sent), columns, sent)
    return encoder.text()


def _coded(coder: ArithmeticEncoder | ArithmeticDecoder, count: int, columns: int, sent: bytes = b"") -> bytes:
    """Code these, or decode so many; return them."""
    done = bytearray()
    for index in range(count):
        column = index % columns
        west = done[index - 1] if column else 0
        north = done[index - columns] if index >= columns else 0
        north_east = done[index - columns + 1] if index >= columns and column + 1 < columns else 0
        done.append(coder.code(4 * west + 2 * north + north_east, bool(sent[index]) if sent else False))
    return bytes(done)
