"""What the receiver must know of the noise to estimate features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..envelope import State

__all__ = ["SMALLEST_SHARE", "checked_n0"]

SMALLEST_SHARE = 1e-3  # of a feature's variance that the receiver is taken to know at least: bounds the division by it


def checked_n0(block: str, symbols: NDArray[np.complex64], state: State) -> NDArray[np.float64]:
    """Noise variance of each symbol, ``[n]``.

    Raises:
        SignalError: n0 is not known, not one number or one of each symbol, or below 0; symbols are not finite.
    """
    if state.n0 is None:
        raise SignalError(f"{block}: expected n0 in the receiver's state, got none; connect a channel")
    n0 = np.asarray(state.n0, np.float64)
    if n0.ndim and n0.shape != symbols.shape:
        raise SignalError(f"{block}: expected n0 as one number or {list(symbols.shape)}, got {list(n0.shape)}")
    if not (n0 >= 0).all():
        raise SignalError(f"{block}: expected n0 of at least 0, got others; check the channel")
    if not np.isfinite(symbols).all():
        raise SignalError(f"{block}: expected finite symbols, got others; check the channel")
    return np.broadcast_to(n0, symbols.shape)
