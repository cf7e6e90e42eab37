"""`mappers/bytes_to_bits`."""

from __future__ import annotations

import numpy as np

from ..block import Block
from ..ports import Bits, Bytes

__all__ = ["BytesToBits"]


class BytesToBits(Block):
    r"""Takes bytes apart into bits, the most significant first.

    .. math:: b[8 n + i] = \left\lfloor B[n] / 2^{7 - i} \right\rfloor \bmod 2

    Input:   data: uint8 ``[n]``.
    Output:  uint8 ``[8 n]`` of 0 and 1.
    State:   none.
    Example: ``bits: {use: mappers/bytes_to_bits}``
    """

    def work(self, data: Bytes) -> Bits:
        """Unpack one frame."""
        return np.unpackbits(data)
