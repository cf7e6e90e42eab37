"""The header of a frame whose patches send different counts of values."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..codes.arithmetic import ArithmeticDecoder, ArithmeticEncoder
from .field import BitReader, BitWriter, HeaderField, Known
from .image_shape import ImageShape

__all__ = ["PLAIN_BITS", "RateMap"]

PLAIN_BITS = 4
"""Of one patch without the entropy coder."""

_PATCH = 16
_TOP = 15  # the highest level
_PLAIN, _CODED = 0, 1

# Probabilities of a one, in 1/256, before anything was coded: of 1.7 million patches of 416 training photographs at
# CBR 1/64 to 1/8. Rows by unrest; of `_EQUAL` the columns are a prediction of 0, of 15, and in between.
_UNREST = (2, 4, 7, 11, 16, 22, 30, 40, 55)
_EQUAL = (
    (245, 128, 128),
    (215, 128, 218),
    (208, 128, 191),
    (190, 128, 135),
    (171, 128, 115),
    (177, 128, 96),
    (188, 128, 79),
    (184, 234, 59),
    (159, 197, 41),
    (96, 183, 21),
)
_ABOVE = (59, 95, 115, 144)  # by the rounding of the prediction
_FARTHER = (100, 52, 53, 51, 52, 72, 96, 129, 150, 193)
_PRIORS = (
    *(prior for row in _EQUAL for _ in range(4) for prior in row),
    *_ABOVE * 5,
    *(prior for prior in _FARTHER for _ in range(4)),
)


class RateMap(HeaderField, frozen=True):
    """The level of each patch of 16 x 16 pixels, 0 to 15: how many values it sends; by an adaptive arithmetic coder.

    A level is predicted from its neighbours to the left and above. Coded are whether it is the predicted one, if not on
    which side of it, and then step by step how far; how likely each is depends on how much the neighbours differ, on
    the rounding of the prediction, and on what was coded before. One bit in front says whether the coder is used: a map
    that it would make longer goes as it is, 4 bits a patch.

    Attributes:
        rows: Of patches; the receiver knows them from ImageShape.
        columns: Likewise.
        levels: One byte each, row by row.
    """

    rows: int
    columns: int
    levels: bytes

    @classmethod
    def of(cls, levels: NDArray[np.uint8]) -> Self:
        """Return the field for levels uint8 ``[rows, columns]``."""
        return cls(levels.shape[0], levels.shape[1], levels.astype(np.uint8).tobytes())

    def array(self) -> NDArray[np.uint8]:
        """The levels, uint8 ``[rows, columns]``."""
        return np.frombuffer(self.levels, np.uint8).reshape(self.rows, self.columns)

    def write(self, out: BitWriter) -> None:
        """Append the field's bits."""
        if not self.levels or len(self.levels) != self.rows * self.columns or max(self.levels) > _TOP:
            raise SignalError(
                f"RateMap: expected levels of 0 to {_TOP} for {self.rows} x {self.columns} patches, got "
                f"{len(self.levels)} of up to {max(self.levels, default=0)}"
            )
        coded = _encoded(self.levels, self.columns)
        if len(coded) < PLAIN_BITS * len(self.levels):
            out.put(_CODED, 1)
            out.put_text(coded)
        else:
            out.put(_PLAIN, 1)
            out.put_text("".join(f"{level:0{PLAIN_BITS}b}" for level in self.levels))

    @classmethod
    def read(cls, bits: BitReader, known: Known) -> Self:
        """Take the field's bits."""
        shape = known.read(ImageShape)
        rows, columns = -(-shape.height // _PATCH), -(-shape.width // _PATCH)
        if bits.take("RateMap", 1) == _PLAIN:
            levels = bytes(bits.take("RateMap.levels", PLAIN_BITS) for _ in range(rows * columns))
            return cls(rows, columns, levels)
        decoder = ArithmeticDecoder(_PRIORS, bits.text[bits.at :])
        levels = _coded(decoder, rows * columns, columns)
        bits.at += decoder.size
        return cls(rows, columns, levels)


@lru_cache(maxsize=8)  # whoever looks for the best rate asks for the same map more than once
def _encoded(levels: bytes, columns: int) -> str:
    encoder = ArithmeticEncoder(_PRIORS)
    _coded(encoder, len(levels), columns, levels)
    return encoder.text()


def _coded(coder: ArithmeticEncoder | ArithmeticDecoder, count: int, columns: int, levels: bytes = b"") -> bytes:
    """Code these levels, or decode so many; return them."""
    done = bytearray()
    for index in range(count):
        level = levels[index] if levels else 0
        predicted, rounding, unrest = _context(done, index, columns)
        middle = 0 < predicted < _TOP
        if coder.code(12 * unrest + 3 * rounding + (2 if middle else predicted == _TOP), level == predicted):
            done.append(predicted)
            continue
        above = coder.code(120 + 4 * (unrest // 2) + rounding, level > predicted) if middle else predicted == 0
        distance, most = 1, _TOP - predicted if above else predicted
        while distance < most and coder.code(
            140 + 4 * unrest + min(distance, 4) - 1, abs(level - predicted) > distance
        ):
            distance += 1
        done.append(predicted + distance if above else predicted - distance)
    return bytes(done)


def _context(done: bytearray, index: int, columns: int) -> tuple[int, int, int]:
    """Return the predicted level, how it was rounded (0 to 3), and how much the neighbours differ (0 to 9)."""
    row, column = divmod(index, columns)
    west = done[index - 1] if column else done[index - columns] if row else 0
    north = done[index - columns] if row else west
    north_west = done[index - columns - 1] if row and column else north
    north_east = done[index - columns + 1] if row and column + 1 < columns else north
    west_west = done[index - 2] if column > 1 else west
    north_north = done[index - 2 * columns] if row > 1 else north
    sixteenths = 8 * west + 7 * north - 2 * north_west + 2 * north_east + west_west
    quarters = (min(max(sixteenths, 0), 16 * _TOP) + 2) // 4
    predicted = min((quarters + 2) // 4, _TOP)
    unrest = (
        2 * abs(west - north_west)
        + 2 * abs(north - north_west)
        + 3 * abs(north - north_east)
        + 2 * abs(west - west_west)
        + abs(north - north_north)
        + 4 * abs(west - north)
        + west
        + north
    )
    return predicted, quarters - 4 * predicted + 2, bisect_right(_UNREST, unrest)
