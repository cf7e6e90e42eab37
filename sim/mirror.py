"""Pictures mirrored by turns, so that the errors of a codec differ from one to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mirrored"]


def mirrored(picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Mirror a picture up and down where its number is odd, left and right where half of it is; twice is not at all.

    Args:
        picture: uint8 ``[H, W, 3]``.
        number: Of the frame.

    >>> mirrored(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), 1)[:, 0, 0].tolist()
    [6, 0]
    """
    down, right = -1 if number & 1 else 1, -1 if number & 2 else 1
    return np.ascontiguousarray(picture[::down, ::right])
