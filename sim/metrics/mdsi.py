"""Mean deviation similarity index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pair import check_pair

__all__ = ["SMALLEST_SIDE", "mdsi"]

SMALLEST_SIDE = 3  # the gradient's filter
_C1, _C2, _C3 = 140.0, 55.0, 550.0
_ALPHA = 0.6  # share of gradients beside chromaticity
_LHM = np.array([[0.2989, 0.5870, 0.1140], [0.30, 0.04, -0.35], [0.34, -0.60, 0.17]])


def mdsi(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    r"""MDSI, combination by sum: 0 for equal pictures, larger is farther; seldom above 0.7.

    .. math:: \left( \frac1N \sum_i \left| q_i - \frac1N \sum_j q_j \right| \right)^{1/4}, \quad
              q_i = \left( 0.6\, \mathrm{GS}_i + 0.4\, \mathrm{CS}_i \right)^{1/4}

    GS compares Prewitt gradient magnitudes of luminance L of both pictures and of their mean (C1 = 140, C2 = 55), CS
    the chromaticity H, M (C3 = 550), values 0 to 255; a negative combination has the principal (complex) root.
    Pictures are first reduced by means of f x f pixels, f = max(1, round(min(H, W) / 256)). Filters meet zeros
    outside of the picture. What is measured is how unevenly the pictures differ.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: uint8 ``[H, W, 3]``.

    Raises:
        SignalError: The pictures are not uint8 ``[H, W, 3]`` of one shape, or a side is shorter than 3.

    Source: Nafchi, Shahkolaei, Hedjam & Cheriet, IEEE Access 4, 2016.
    """
    check_pair("mdsi", sent, received, SMALLEST_SIDE)
    factor = max(1, int(min(sent.shape[:2]) / 256 + 0.5))
    x, y = (_reduced(picture.astype(np.float64), factor) @ _LHM.T for picture in (sent, received))
    g_x, g_y, g_mean = (_gradient(z) for z in (x[:, :, 0], y[:, :, 0], (x[:, :, 0] + y[:, :, 0]) / 2))
    gradients = _alike(g_x, g_y, _C1) + _alike(g_x, g_mean, _C2) - _alike(g_y, g_mean, _C2)
    chroma = (2 * (x * y)[:, :, 1:].sum(2) + _C3) / ((x * x + y * y)[:, :, 1:].sum(2) + _C3)
    roots = (_ALPHA * gradients + (1 - _ALPHA) * chroma).astype(np.complex128) ** 0.25
    return float(np.mean(np.abs(roots - roots.mean())) ** 0.25)


def _alike(a: NDArray[np.float64], b: NDArray[np.float64], constant: float) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (2 * a * b + constant) / (a * a + b * b + constant)
    return found


def _reduced(x: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Every ``factor``-th of the running means of ``factor`` x ``factor`` pixels."""
    before, after = (factor - 1) // 2, factor // 2
    for axis in (0, 1):
        moved = np.moveaxis(x, axis, 0)
        count = -(-moved.shape[0] // factor)
        moved = np.pad(moved, ((before, after), (0, 0), (0, 0)))[: count * factor]
        x = np.moveaxis(moved.reshape(count, factor, *moved.shape[1:]).mean(1), 0, axis)
    return x


def _gradient(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Magnitude of the Prewitt gradient, filters over 3."""
    from scipy.ndimage import correlate1d

    def along(axis: int) -> NDArray[np.float64]:
        slope = correlate1d(x, (-1, 0, 1), axis=axis, mode="constant")
        found: NDArray[np.float64] = correlate1d(slope, (1, 1, 1), axis=1 - axis, mode="constant") / 3
        return found

    return np.hypot(along(0), along(1))
