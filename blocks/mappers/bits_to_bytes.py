"""`mappers/bits_to_bytes`."""

from __future__ import annotations

import numpy as np

from ...errors import SignalError
from ...sim.bits import check_bits
from ..block import Block
from ..ports import Bits, Bytes

__all__ = ["BitsToBytes"]


class BitsToBytes(Block):
    r"""Packs bits into bytes, the most significant first.

    .. math:: B[n] = \sum_{i=0}^{7} 2^{7 - i}\, b[8 n + i]

    The inverse of ``mappers/bytes_to_bits``.

    Input:   bits: uint8 ``[8 n]`` of 0 and 1.
    Output:  uint8 ``[n]``.
    Raises:  SignalError: not bits, or not a multiple of 8.
    State:   none.
    Example: ``bytes: {use: mappers/bits_to_bytes}``
    """

    def work(self, bits: Bits) -> Bytes:
        """Pack one frame."""
        check_bits("mappers/bits_to_bytes", bits)
        if bits.size % 8:
            raise SignalError(f"mappers/bits_to_bytes: expected a multiple of 8 bits, got {bits.size}")
        return np.packbits(bits)
