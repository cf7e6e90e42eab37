"""What every function on bits asks of them first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError

__all__ = ["check_bits"]


def check_bits(where: str, bits: NDArray[Any]) -> None:
    """Refuse what is not a 0 or a 1.

    Args:
        where: What was given the bits, as the message begins.
        bits: uint8, any shape.

    Raises:
        SignalError: the dtype is not uint8, or a value is neither 0 nor 1.
    """
    if bits.dtype != np.uint8:
        raise SignalError(f"{where}: expected bits as uint8, got {bits.dtype}")
    if bits.size and int(bits.max()) > 1:
        raise SignalError(f"{where}: expected bits of 0 and 1, got {int(bits.max())}")
