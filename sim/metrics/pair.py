"""What every metric of two pictures asks of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["check_pair", "strips"]

STRIP_ROWS = 1024  # of windows at once: bounds the memory of a large picture; every usual one is a single strip


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


def strips(height: int, window: int) -> Iterator[tuple[slice, int]]:
    """Cut a picture into strips of rows that hold every window once.

    Args:
        height: Of the picture, at least ``window``.
        window: Rows of a window.

    Yields:
        The rows of a strip, and how many rows of windows it holds.

    Example:
        >>> list(strips(1044, 11))
        [(slice(0, 1034, None), 1024), (slice(1024, 1044, None), 10)]
    """
    for first in range(0, height - window + 1, STRIP_ROWS):
        rows = min(STRIP_ROWS, height - window + 1 - first)
        yield slice(first, first + rows + window - 1), rows
