"""What every metric of two pictures asks of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["check_pair"]


def check_pair(metric: str, sent: NDArray[np.uint8], received: NDArray[np.uint8], smallest_side: int = 1) -> None:
    """Raise unless both are uint8 ``[H, W, 3]`` of one shape, large enough for the metric.

    Args:
        metric: Name for the message.
        sent: The picture at the transmitter.
        received: The picture at the receiver.
        smallest_side: Pixels that height and width must have at least.

    Raises:
        SignalError: They are not.
    """
    for name, picture in (("sent", sent), ("received", received)):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise SignalError(f"{metric}: expected {name} uint8 [H, W, 3], got {picture.dtype} {list(picture.shape)}")
    if sent.shape != received.shape:
        raise SignalError(
            f"{metric}: expected two pictures of one shape, "
            f"got sent {list(sent.shape)} and received {list(received.shape)}"
        )
    if min(sent.shape[:2]) < smallest_side:
        raise SignalError(
            f"{metric}: expected at least {smallest_side} pixels in height and width, "
            f"got {sent.shape[0]} x {sent.shape[1]}"
        )
