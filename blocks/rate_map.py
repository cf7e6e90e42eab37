"""The header of a frame whose patches send different counts of values."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError
from ..sim.bandwidth import ROBUST_BITS_PER_USE, capacity_bits_per_use
from .envelope import HeaderField

__all__ = ["CdmMode", "RateMap"]

_PATCH = 16
_BITS_PER_PATCH = 4


class CdmMode(HeaderField, frozen=True):
    """How a CDM-JSCC frame was made, in 25 bits: which weights (16), eta (4), Es/N0 in whole dB from 0 to 20 (5).

    Attributes:
        weights: 16 bits of a check sum of the transmitter's weights: the receiver knows whether they are its own.
        eta_index: Of the nearest of 16 values of eta.
        esn0_db: What the transmitter reckoned with.
    """

    weights: int
    eta_index: int
    esn0_db: int

    def bits(self) -> int:
        """16 and 4 and 5."""
        return 25


class RateMap(HeaderField, frozen=True):
    """The level of each patch of 16 x 16 pixels, row by row, 4 bits each: how many values it sends.

    It is charged at the capacity of the channel at the Es/N0 that the transmitter knows, as papers do, and at the rate
    of all other side information where it knows none, or where capacity is below that.

    Attributes:
        patches: How many. Costs nothing: it follows from the picture's size.
        packed: Two levels a byte, the first in the upper half.
        told: Sent; or given to the receiver free of charge, for comparisons alone.
        known_esn0_db: What the transmitter knows of the channel. Costs nothing: it is the basis of the charge.
    """

    patches: int
    packed: bytes
    told: Literal["sent", "given"] = "sent"
    known_esn0_db: float | None = None

    @classmethod
    def of(
        cls, levels: NDArray[np.uint8], *, told: Literal["sent", "given"] = "sent", known_esn0_db: float | None = None
    ) -> RateMap:
        """Pack the levels, 0 to 15, of all patches ``[h, w]``."""
        flat = np.append(levels.reshape(-1), np.zeros(levels.size % 2, np.uint8))
        return cls(levels.size, (flat[0::2] << 4 | flat[1::2]).astype(np.uint8).tobytes(), told, known_esn0_db)

    def levels(self, height: int, width: int) -> NDArray[np.uint8]:
        """Unpack: uint8 ``[ceil(height / 16), ceil(width / 16)]`` for a picture of so many pixels.

        Raises:
            SignalError: it is the map of a picture of another size.
        """
        rows, columns = -(-height // _PATCH), -(-width // _PATCH)
        if self.patches != rows * columns or len(self.packed) != (self.patches + 1) // 2:
            raise SignalError(
                f"rate map: expected {rows * columns} patches of {height} x {width} pixels, got {self.patches} in "
                f"{len(self.packed)} bytes; the header is of another picture"
            )
        both = np.frombuffer(self.packed, np.uint8)
        flat = np.stack([both >> 4, both & 15], 1).reshape(-1)[: self.patches]
        return flat.astype(np.uint8).reshape(rows, columns)

    def bits(self) -> int:
        """Four a patch; none where the map is given."""
        return _BITS_PER_PATCH * self.patches if self.told == "sent" else 0

    def bits_per_use(self) -> float:
        """Capacity at the known Es/N0; never below the rate of all other side information."""
        if self.known_esn0_db is None:
            return ROBUST_BITS_PER_USE
        return max(capacity_bits_per_use(self.known_esn0_db), ROBUST_BITS_PER_USE)
