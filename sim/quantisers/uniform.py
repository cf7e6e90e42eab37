r"""The uniform quantiser, its codes in natural binary.

.. math:: c = \min\left(\max\left(\left\lfloor \frac{x + A}{\Delta} \right\rfloor, 0\right), 2^b - 1\right), \quad
    \hat{x} = -A + \left(c + \tfrac{1}{2}\right) \Delta, \quad \Delta = \frac{2 A}{2^b}

Mid-rise: no level at 0, an error of at most :math:`\Delta / 2` within +-A, and saturation beyond.

Source: Jayant & Noll, Digital Coding of Waveforms, section 4.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["dequantise_uniform", "quantise_uniform"]


def quantise_uniform(x: NDArray[Any], bits_per_value: int, full_scale: float) -> NDArray[np.uint16]:
    """Return the code of every value.

    Args:
        x: real, any shape, no NaN.
        bits_per_value: b, 1 to 16.
        full_scale: A, at least 0; with 0 every code is that of the middle.

    Raises:
        SignalError: b or A out of range, or a NaN.
    """
    _check(bits_per_value, full_scale)
    if np.isnan(x).any():
        raise SignalError("uniform quantiser: expected no NaN, got one")
    levels = 2**bits_per_value
    if full_scale == 0:
        return np.full(x.shape, levels // 2, np.uint16)
    inside = np.clip(x, -full_scale, full_scale).astype(np.float64)
    codes = np.floor((inside + full_scale) * (levels / (2 * full_scale)))
    return np.asarray(np.clip(codes, 0, levels - 1), np.uint16)


def dequantise_uniform(codes: NDArray[np.integer[Any]], bits_per_value: int, full_scale: float) -> NDArray[np.float32]:
    """Return the value of every code, the middle of its interval.

    Args:
        codes: whole numbers from 0 to 2 ** b - 1, any shape.
        bits_per_value: b, 1 to 16.
        full_scale: A, at least 0.

    Raises:
        SignalError: b, A or a code out of range.
    """
    _check(bits_per_value, full_scale)
    levels = 2**bits_per_value
    if codes.size and not (int(codes.min()) >= 0 and int(codes.max()) < levels):
        raise SignalError(f"uniform quantiser: expected codes from 0 to {levels - 1}, got {codes.min()}..{codes.max()}")
    return np.asarray((codes + 0.5) * (2 * full_scale / levels) - full_scale, np.float32)


def _check(bits_per_value: int, full_scale: float) -> None:
    if not 1 <= bits_per_value <= 16:
        raise SignalError(f"uniform quantiser: expected 1 to 16 bits per value, got {bits_per_value}")
    if not 0 <= full_scale <= 1e30:
        raise SignalError(f"uniform quantiser: expected a full scale from 0 to 1e30, got {full_scale}")
