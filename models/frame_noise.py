"""How noisy a frame is, where a receiver is not to know the noise of each symbol."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["ERASED_N0", "FadingAware", "known_n0", "noise_in_values"]

ERASED_N0 = 1e6  # an erased symbol's n0 is 1e9, that of the deepest fade far below

FadingAware = Literal["on", "off"]
"""A receiver reckons with the noise of each symbol, or with one of the frame's mean SNR."""


def known_n0(n0: NDArray[np.float32], fading_aware: FadingAware) -> NDArray[np.float32]:
    """Return what a receiver reckons with, of the same shape; where a symbol has no noise there is no mean SNR."""
    if fading_aware == "on" or not (n0 > 0).all():
        return n0
    return np.full_like(n0, 1 / np.mean(1 / n0.astype(np.float64)))


def noise_in_values(values: NDArray[np.float32], n0: NDArray[np.float32]) -> NDArray[np.float32]:
    r"""Variance of the noise in each value, in the values' own scale.

    n0 is per complex symbol of unit energy, and half of that, over half the energy, is in each real dimension. The
    values' own power is what arrived less the noise, each weighed by its own: :math:`P_z = \overline{y^2 / (1 + n_0)}`,
    so that a few symbols in a deep fade do not say what it is. Those that were erased, of which nothing came, do not
    count.
    """
    came = n0 < ERASED_N0
    known = n0[came].astype(np.float64)
    power = float(np.mean(np.square(values[came], dtype=np.float64) / (1 + known))) if known.size else 0.0
    noise: NDArray[np.float32] = np.float32(power) * n0
    return noise
