"""Energy of fine detail: how much too smooth or too rough a picture is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .pair import check_pair

__all__ = ["SMALLEST_SIDE", "high_frequency_error_db"]

SMALLEST_SIDE = 8
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_ROUNDING_ENERGY = float(np.sum(_LUMA**2)) / 12  # of a luma value, by rounding R, G and B to 8 bits


def high_frequency_error_db(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    r"""Energy of the received picture above a quarter of the sampling frequency, relative to the sent one's, in dB.

    .. math:: 10 \log_{10} \frac{\sum_{k, l \in H} \hat C_{kl}^2}{\sum_{k, l \in H} C_{kl}^2}, \quad
              H = \left\{ k, l: \sqrt{(k / 2 H_x)^2 + (l / 2 W_x)^2} > \tfrac14 \right\}

    C is the orthonormal DCT-II of BT.601 luma (0 to 255); coefficient k, l of H_x x W_x pixels stands for k / 2 H_x
    and l / 2 W_x cycles a pixel. The DCT mirrors the picture at its borders, so that they add no detail.

    Negative: too smooth; positive: too rough; 0 for equal pictures. The size alone says how far off it is. It compares
    energies, not positions: detail in the wrong place counts in full. Both energies count as at least that of
    rounding to 8 bits, so that a flat picture has a finite figure.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: uint8 ``[H, W, 3]``.

    Raises:
        SignalError: The pictures are not uint8 ``[H, W, 3]`` of one shape, or a side is shorter than 8.

    Source: Rao & Yip, Discrete Cosine Transform, Academic Press, 1990, chapter 2 (DCT-II).
    """
    check_pair("high_frequency_error_db", sent, received, SMALLEST_SIDE)
    return 10 * math.log10(_energy(received) / _energy(sent))


def _energy(picture: NDArray[np.uint8]) -> float:
    """Energy above a quarter of the sampling frequency."""
    from scipy.fft import dctn

    height, width = picture.shape[:2]
    coefficients = dctn(picture @ _LUMA, norm="ortho")
    rows, columns = np.arange(height) / (2 * height), np.arange(width) / (2 * width)
    high = np.hypot(rows[:, None], columns) > 0.25
    return max(float(np.sum(coefficients[high] ** 2)), np.count_nonzero(high) * _ROUNDING_ENERGY)
