"""The header of a frame of a video that says what the last one tells of it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Self

from ...errors import SignalError
from ..codes.arithmetic import ArithmeticDecoder, ArithmeticEncoder
from .field import BitReader, BitWriter, HeaderField, Known
from .tiling import Tiling

__all__ = ["LEVELS", "VECTOR_REACH", "MotionMap"]

LEVELS: Final = 7
"""Of how well a tile is predicted; the last one: not at all, and it has no vector."""
VECTOR_REACH: Final = 14
"""Half pixels."""
_LEAST_BITS = 3  # of a word of one decision that was as likely as not
_STAYS, _SAME, _ZERO, _SIGN, _MORE, _REST = 0, 49, 52, 54, 56, 66
"""Where contexts begin: a level by its neighbour and how far it is from it; vectors; their components."""
_PRIORS = (128,) * _SAME + (192,) * 3 + (128,) * 30
_NEAREST = [sorted(range(LEVELS), key=lambda one: abs(one - expected)) for expected in range(LEVELS)]


class MotionMap(HeaderField, frozen=True):
    """Of each tile where it was in the last frame and how well that fits: 43 bits and an adaptive arithmetic code.

    Height and width 16 bits each, tile 3, number 8. Then tile by tile its level, from that of its west neighbour on
    (north at the border), and where there is a prediction the vector: whether it is the neighbour's, and if not the
    difference of each component.

    Attributes:
        height: Of the frame, pixels.
        width: Of the frame, pixels.
        tile: Side of a tile in pixels, a multiple of 16 up to 128.
        frame: 0 for the first frame of a transmitter, then 1 to 255 and again from 1.
        levels: One byte a tile, row by row: the mean squared error of its prediction is below 1, 4, 16, 64, 256, 1024,
            or beyond.
        vectors: Two numbers a tile: down and right, in half pixels; zeros where there is no prediction.
    """

    height: int
    width: int
    tile: int
    frame: int
    levels: bytes
    vectors: tuple[int, ...]

    def write(self, out: BitWriter) -> None:
        """Append the field's bits."""
        tiling = Tiling(self.height, self.width, self.tile, self.frame)
        tiling.write(out, "MotionMap")
        rows, columns = tiling.grid("MotionMap")
        count = rows * columns
        farthest = max((abs(part) for part in self.vectors), default=0)
        if (len(self.levels), len(self.vectors)) != (count, 2 * count) or max(self.levels, default=0) >= LEVELS:
            raise SignalError(
                f"MotionMap: expected a level of 0 to {LEVELS - 1} and a vector for each of {count} tiles, got "
                f"{len(self.levels)} of up to {max(self.levels, default=0)} and {len(self.vectors) / 2:g}"
            )
        if farthest > VECTOR_REACH or any(
            self.vectors[2 * index] or self.vectors[2 * index + 1]
            for index, level in enumerate(self.levels)
            if level == LEVELS - 1
        ):
            raise SignalError(
                f"MotionMap.vectors: expected up to {VECTOR_REACH} half pixels, and 0 where there is no prediction, "
                f"got {farthest}"
            )
        out.put_text(_encoded(self.levels, self.vectors, columns))

    @classmethod
    def read(cls, bits: BitReader, known: Known) -> Self:
        """Take the field's bits."""
        tiling = Tiling.read(bits, "MotionMap")
        rows, columns = tiling.grid("MotionMap")
        if len(bits.text) - bits.at < _LEAST_BITS:
            bits.take("MotionMap.levels", _LEAST_BITS)  # says so
        decoder = ArithmeticDecoder(_PRIORS, bits.text[bits.at :])
        levels, vectors = _coded(decoder, rows * columns, columns)
        bits.at += decoder.size
        return cls(*tiling, levels, vectors)


@lru_cache(maxsize=8)  # a header is packed when it is written, and when its length is asked for
def _encoded(levels: bytes, vectors: tuple[int, ...], columns: int) -> str:
    encoder = ArithmeticEncoder(_PRIORS)
    _coded(encoder, len(levels), columns, levels, vectors)
    return encoder.text()


def _coded(
    coder: ArithmeticEncoder | ArithmeticDecoder,
    count: int,
    columns: int,
    levels: bytes = b"",
    vectors: tuple[int, ...] = (),
) -> tuple[bytes, tuple[int, ...]]:
    """Code these, or decode so many; return them."""
    done, moves = bytearray(), [0] * (2 * count)
    for index in range(count):
        beside = index - 1 if index % columns else index - columns
        expected = done[beside] if beside >= 0 else LEVELS - 1
        level = levels[index] if levels else 0
        *nearest, last = _NEAREST[expected]
        for tried in nearest:
            if coder.code(_STAYS + LEVELS * expected + tried, level == tried):
                done.append(tried)
                break
        else:
            done.append(last)
        if done[-1] == LEVELS - 1:
            continue
        near = (moves[2 * beside], moves[2 * beside + 1]) if beside >= 0 else (0, 0)
        given = (vectors[2 * index], vectors[2 * index + 1]) if levels else (0, 0)
        if coder.code(_SAME + (near != (0, 0)), given == near):
            moves[2 * index : 2 * index + 2] = near
            continue
        for axis in (0, 1):
            moves[2 * index + axis] = near[axis] + _difference(coder, axis, given[axis] - near[axis])
            if abs(moves[2 * index + axis]) > VECTOR_REACH:
                raise SignalError(
                    f"MotionMap.vectors: expected up to {VECTOR_REACH} half pixels, got {moves[2 * index + axis]}"
                )
    return bytes(done), tuple(moves)


def _difference(coder: ArithmeticEncoder | ArithmeticDecoder, axis: int, value: int) -> int:
    """Zero or not, the sign, then how many bits the size has, and the bits."""
    if coder.code(_ZERO + axis, value == 0):
        return 0
    negative = coder.code(_SIGN + axis, value < 0)
    width = 1
    while width < 5 and coder.code(_MORE + 5 * axis + width - 1, abs(value) >= 1 << width):
        width += 1
    size = 1
    for place in range(width - 2, -1, -1):
        size = 2 * size + coder.code(_REST + 4 * axis + place, bool(abs(value) >> place & 1))
    return -size if negative else size
