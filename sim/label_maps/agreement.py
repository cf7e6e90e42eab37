"""How well a received label map agrees with the one that was sent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_iou", "right_share"]


def right_share(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    """Share of pixels that have their class.

    Args:
        sent: uint8 ``[H, W]``, numbers of classes.
        received: uint8 ``[H, W]``.
    """
    return float(np.mean(sent == received))


def mean_iou(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    r"""Mean intersection over union of the classes that were sent or received.

    .. math:: \frac{1}{|C|} \sum_{c \in C} \frac{|S_c \cap R_c|}{|S_c \cup R_c|}

    Args:
        sent: uint8 ``[H, W]``, numbers of classes.
        received: uint8 ``[H, W]``.
    """
    shares = [
        np.sum((sent == one) & (received == one)) / np.sum((sent == one) | (received == one))
        for one in np.union1d(sent, received)
    ]
    return float(np.mean(shares))
