"""Multi-scale structural similarity, without torch: importing torchmetrics alone costs seconds of every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pair import check_pair, strips

__all__ = ["SMALLEST_SIDE", "ms_ssim"]

SMALLEST_SIDE = 176  # 11 * 2^4: the smallest of the five scales must hold the window of 11
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_WINDOW = np.exp(-0.5 * (np.arange(-5, 6, dtype=np.float32) / 1.5) ** 2)
_WINDOW /= _WINDOW.sum()


def ms_ssim(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    r"""MS-SSIM on five scales, range 255, over R, G and B together.

    .. math:: l_5^{w_5} \prod_{i=1}^{5} c_i^{w_i}, \quad w = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

    Gaussian window of 11 with sigma 1.5, 2 x 2 means between the scales (an odd last row or column is left out),
    negative terms set to zero, and only windows that lie inside the picture, as the paper has it. ``torchmetrics``
    agrees but for the last scale, where it counts windows over mirrored borders too: some 0.001 of difference.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: uint8 ``[H, W, 3]``.

    Raises:
        SignalError: The pictures are not uint8 ``[H, W, 3]`` of one shape, or a side is shorter than 176.

    Source: Wang, Simoncelli & Bovik, "Multiscale structural similarity for image quality assessment", Asilomar 2003.
    """
    check_pair("ms_ssim", sent, received, SMALLEST_SIDE)
    x, y = sent.astype(np.float32), received.astype(np.float32)
    value = 1.0
    for scale, weight in enumerate(_WEIGHTS):
        if scale:
            x, y = _halve(x), _halve(y)
        similarity, contrast = _similarity(x, y)
        last = scale == len(_WEIGHTS) - 1
        value *= max(similarity if last else contrast, 0.0) ** weight
    return value


def _similarity(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    """Means over all windows of similarity and of contrast times structure."""
    means = [(rows, *_strip_similarity(x[strip], y[strip])) for strip, rows in strips(x.shape[0], 11)]
    total = sum(rows for rows, _, _ in means)
    return sum(r * s for r, s, _ in means) / total, sum(r * c for r, _, c in means) / total


def _strip_similarity(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x = _blur(x * x) - mean_x * mean_x
    variance_y = _blur(y * y) - mean_y * mean_y
    covariance = _blur(x * y) - mean_x * mean_y
    contrast = (2 * covariance + _C2) / (np.maximum(variance_x, 0) + np.maximum(variance_y, 0) + _C2)
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x * mean_x + mean_y * mean_y + _C1)
    return float(np.mean(luminance * contrast, dtype=np.float64)), float(np.mean(contrast, dtype=np.float64))


def _blur(x: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.ndimage import correlate1d

    columns = correlate1d(x, _WINDOW, axis=0, mode="nearest")[5:-5]
    blurred: NDArray[np.float32] = correlate1d(columns, _WINDOW, axis=1, mode="nearest")[:, 5:-5]
    return blurred


def _halve(x: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
    x = x[:height, :width]
    return (x[0::2, 0::2] + x[1::2, 0::2] + x[0::2, 1::2] + x[1::2, 1::2]) * np.float32(0.25)
