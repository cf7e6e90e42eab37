"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .pair import check_pair

__all__ = ["psnr_db"]


def psnr_db(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    r"""PSNR in dB with peak 255, over all values of the picture; infinite for equal pictures.

    .. math:: 10 \log_{10} \frac{255^2}{\frac{1}{3HW} \sum (x - \hat x)^2}

    The mean over several pictures is the mean of their PSNR, not the PSNR of their mean error.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: uint8 ``[H, W, 3]``.

    Raises:
        SignalError: The pictures are not uint8 ``[H, W, 3]`` of one shape.
    """
    check_pair("psnr", sent, received)
    error = sent.astype(np.int32) - received
    squared = float(np.sum(error * error, dtype=np.int64)) / error.size
    return math.inf if squared == 0 else 10 * math.log10(255**2 / squared)
