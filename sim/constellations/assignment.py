"""Nearest level of features, and the scale that gives a frame unit energy, for numpy arrays and torch tensors."""

from __future__ import annotations

from typing import Any

from .gaussian import GaussianGrid

__all__ = ["frame_scale", "nearest_level"]

_HALVINGS = 20
_OCTAVES = 3.0  # the scale is looked for within 1/8 to 8 times the root mean square


def nearest_level(u: Any, grid: GaussianGrid) -> Any:
    """Number of the nearest level, by rounding: the same work for any order.

    Args:
        u: real ``[...]``: features over the frame's scale.
        grid: Of the constellation.

    Returns:
        Whole numbers from 0 to L - 1, in the floating type of ``u``.
    """
    last = grid.levels.size - 1
    return (u * (1 / grid.step) + last / 2).round().clip(0, last)


def frame_scale(x: Any, grid: GaussianGrid) -> Any:
    r"""The scale of a frame with which its points have unit mean energy.

    .. math:: a:\quad \frac1n \sum_i c(x_i / a)^2 = 1

    where c is the level sent. Gaussian features of standard deviation a meet it on average. With two levels all
    energies are equal, and it is the root mean square; for more of them it is found by halving an interval of 1/8 to 8
    times that, over which the energy falls in steps of single symbols: frames of few or of equal values miss it.

    Args:
        x: real ``[..., n]``, finite, n at least 1.
        grid: Of the constellation.

    Returns:
        ``[..., 1]``, 0 for a frame of zeros.
    """
    peak = abs(x).max() or 1.0  # squares of huge or tiny values would leave the range of their type
    rms = (x / peak * (x / peak)).mean(-1, keepdims=True) ** 0.5 * peak
    if grid.levels.size == 2:
        return rms
    safe = rms + (rms == 0)
    low, high = safe * 0 - _OCTAVES, safe * 0 + _OCTAVES
    middle = (grid.levels.size - 1) / 2
    for _ in range(_HALVINGS):
        exponent = (low + high) / 2
        sent = (nearest_level(x / (safe * 2.0**exponent), grid) - middle) * (grid.step * grid.gain)
        strong = (sent * sent).mean(-1, keepdims=True) > 1
        low, high = low + (exponent - low) * strong, high + (exponent - high) * ~strong
    return rms * 2.0 ** ((low + high) / 2)
