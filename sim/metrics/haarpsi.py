"""Haar wavelet-based perceptual similarity index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pair import check_pair

__all__ = ["SMALLEST_SIDE", "haarpsi"]

SMALLEST_SIDE = 16  # the largest of three Haar filters has 8 taps, on the halved picture
_C, _ALPHA = 30.0, 4.2  # the paper's optimum over four databases
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def haarpsi(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    r"""HaarPSI of colour pictures with C = 30 and alpha = 4.2: 1 for equal pictures, towards 0 the less alike.

    .. math:: \left( l_\alpha^{-1} \frac{\sum_k \sum_x l_\alpha(S_k(x))\, W_k(x)}{\sum_k \sum_x W_k(x)} \right)^2,
              \quad l_\alpha(t) = \frac{1}{1 + e^{-\alpha t}}

    Pictures are taken to YIQ (0 to 255 in Y) and halved by 2 x 2 means. S_1 and S_2 compare the magnitudes of luma's
    Haar coefficients of 2 and 4 taps, horizontal and vertical, by (2ab + C) / (a^2 + b^2 + C), and W_1 and W_2 are the
    larger magnitude of the two pictures at 8 taps. S_3 compares 2 x 2 means of I and of Q; W_3 is the mean of W_1 and
    W_2. Filters meet zeros outside of the picture.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: uint8 ``[H, W, 3]``.

    Raises:
        SignalError: The pictures are not uint8 ``[H, W, 3]`` of one shape, or a side is shorter than 16.

    Source: Reisenhofer, Bosse, Kutyniok & Wiegand, Signal Process. Image Commun. 61, 2018.
    """
    check_pair("haarpsi", sent, received, SMALLEST_SIDE)
    x, y = (_halved(picture @ _YIQ.T) for picture in (sent, received))
    weights, similarities = [], []
    for axis in (0, 1):
        (x2, y2), (x4, y4), (x8, y8) = (
            (np.abs(_haar(x[:, :, 0], taps, axis)), np.abs(_haar(y[:, :, 0], taps, axis))) for taps in (2, 4, 8)
        )
        similarities.append((_alike(x2, y2) + _alike(x4, y4)) / 2)
        weights.append(np.maximum(x8, y8))
    (xi, xq), (yi, yq) = ([np.abs(_same(_same(z[:, :, c], 2, 0), 2, 1)) / 4 for c in (1, 2)] for z in (x, y))
    similarities.append((_alike(xi, yi) + _alike(xq, yq)) / 2)
    weights.append((weights[0] + weights[1]) / 2)
    total = sum(float(weight.sum()) for weight in weights)
    if total == 0:  # both are black
        return 1.0
    raised = sum(
        float(np.sum(weight / (1 + np.exp(-_ALPHA * s)))) for s, weight in zip(similarities, weights, strict=True)
    )
    mean = raised / total
    return min(float(np.log(mean / (1 - mean)) / _ALPHA) ** 2, 1.0)


def _alike(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (2 * a * b + _C) / (a * a + b * b + _C)
    return found


def _halved(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 x 2 means; an odd last row or column meets zeros."""
    x = np.pad(x, ((0, x.shape[0] % 2), (0, x.shape[1] % 2), (0, 0)))
    found: NDArray[np.float64] = (x[0::2, 0::2] + x[1::2, 0::2] + x[0::2, 1::2] + x[1::2, 1::2]) / 4
    return found


def _haar(x: NDArray[np.float64], taps: int, axis: int) -> NDArray[np.float64]:
    """Difference along ``axis`` and sum across it, of ``taps`` values each, over ``taps``."""
    half = taps // 2
    across = np.moveaxis(_same(x, taps, 1 - axis), axis, 0)
    padded = np.pad(across, ((half - 1, half), (0, 0)))
    sums = np.concatenate([np.zeros_like(padded[:1]), np.cumsum(padded, 0)])
    first, middle, last = sums[:-taps], sums[half:-half], sums[taps:]
    found: NDArray[np.float64] = np.moveaxis((last - middle) - (middle - first), 0, axis) / taps
    return found


def _same(x: NDArray[np.float64], taps: int, axis: int) -> NDArray[np.float64]:
    """Running sums of ``taps`` (even) values, as many as there are values; the window leans to the later ones."""
    moved = np.moveaxis(x, axis, 0)
    padded = np.pad(moved, ((taps // 2 - 1, taps // 2), (0, 0)))
    sums = np.concatenate([np.zeros_like(padded[:1]), np.cumsum(padded, 0)])
    return np.moveaxis(sums[taps:] - sums[:-taps], 0, axis)
