"""Fast denoising of received one-hot maps, by pooling; for numpy arrays and torch tensors alike.

Source: Grassucci, Barbarossa & Comminiello, Generative semantic communication: diffusion models beyond bit recovery,
2023, section III (fast denoising semantics); windows as in its public code.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

from ..arrays import array_module

__all__ = ["pooled"]

Array = TypeVar("Array")
_LEAST_N0 = 1e-6  # of what has no noise, so that its weight is finite


def pooled(maps: Array, n0: Array | None = None) -> Array:
    r"""Take means over 3 x 3 pixels, then maxima over 3 x 3.

    .. math:: \hat m[i, j] = \max_{|k|, |l| \le 1} \; \frac{1}{9} \sum_{|p|, |q| \le 1} m[i + k + p, j + l + q]

    Beyond the edge of the map there are zeros for the means, and nothing for the maxima.

    Args:
        maps: real ``[..., H, W]``.
        n0: Of the same shape, where values differ in their noise, as over fading: in a mean each counts by its inverse.
    """
    averaged: Any
    if n0 is None:
        averaged = _mean(maps)
    else:
        module = array_module(maps)
        weights: Any = 1 / module.maximum(n0, module.full_like(n0, _LEAST_N0))
        averaged = _mean(maps * weights) / _mean(weights) * _mean(module.ones_like(maps))
    most: Array = _maximum(averaged)
    return most


def _mean(maps: Any) -> Any:
    for axis in (-2, -1):
        before, after = _neighbours(maps, axis, 0.0)
        maps = (before + maps + after) / 3
    return maps


def _maximum(maps: Any) -> Any:
    module = array_module(maps)
    for axis in (-2, -1):
        before, after = _neighbours(maps, axis, -math.inf)
        maps = module.maximum(module.maximum(before, maps), after)
    return maps


def _neighbours(maps: Any, axis: int, beyond: float) -> tuple[Any, Any]:
    """Each pixel's neighbour before it and behind it along one of the last two axes."""
    module, last = array_module(maps), axis == -1

    def cut(start: int, stop: int) -> Any:
        return maps[..., start:stop] if last else maps[..., start:stop, :]

    size = maps.shape[axis]
    edge = module.full_like(cut(0, 1), beyond)
    return module.concatenate((edge, cut(0, size - 1)), axis), module.concatenate((cut(1, size), edge), axis)
