"""A time-varying tapped delay line over samples, delays between samples included; for numpy and torch alike."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

Array = TypeVar("Array")

__all__ = ["LEAD", "delay_weights", "tapped_delay_line"]

LEAD = 8
"""Samples by which the interpolation of a delay reaches ahead, and beyond: half the length of the sinc."""

_KAISER_BETA = 6.0
_LONGEST_SAMPLES = 4096


def delay_weights(delays_samples: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Weights that turn the gains of taps between samples into coefficients at whole samples.

    .. math:: W_{lm} = \mathrm{sinc}(m - \tau_l)\, w_\mathrm{Kaiser}(m - \tau_l), \quad m = -8, \dots, M

    A signal within 70 % of the band is delayed with an error below -60 dB, within 80 % below -44 dB; a delay of whole
    samples is exact.

    Args:
        delays_samples: float64 ``[L]``, at least 0.

    Returns:
        float64 ``[L, 8 + M + 1]``, M the longest delay in whole samples plus 8.

    Raises:
        SignalError: a delay is negative, not finite or above 4096 samples.

    Source: Laakso et al., Splitting the unit delay, IEEE Signal Process. Mag. 13(1), 1996.
    """
    delays = np.asarray(delays_samples, np.float64)
    if not np.all((delays >= 0) & (delays <= _LONGEST_SAMPLES)):
        raise SignalError(
            f"tapped delay line: expected delays of 0 to {_LONGEST_SAMPLES} samples, got {delays.min():g} to "
            f"{delays.max():g}; lower the delay spread or the sample rate"
        )
    taps = np.arange(-LEAD, math.ceil(delays.max(initial=0.0)) + LEAD + 1)
    away = taps - delays[:, None]
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1 - (away / (LEAD + 1)) ** 2, 0))) / np.i0(_KAISER_BETA)
    return np.asarray(np.where(np.abs(away) < LEAD + 1, np.sinc(away) * window, 0.0))


def tapped_delay_line(x: Array, coefficients: Array) -> Array:
    r"""Filter samples by coefficients that change with time.

    .. math:: y[n] = \sum_{m=0}^{M-1} c_m[n]\, x[n - m]

    Real products and sums, each rounded by itself: the result of a sample does not depend on how many are worked on at
    once.

    Args:
        x: complex ``[..., M - 1 + n]``: the samples, after the M - 1 before them.
        coefficients: complex ``[..., M, n]``, or ``[..., M, 1]`` for a filter that stands still.

    Returns:
        complex ``[..., n]``.

    Raises:
        SignalError: there are fewer samples than the coefficients reach back, or coefficients for another number.
    """
    signal: Any = x
    filters: Any = coefficients
    length, over = filters.shape[-2:]
    count = signal.shape[-1] - length + 1
    if count < 0 or over not in (1, count):
        raise SignalError(
            f"tapped delay line: expected coefficients [M, n] and M - 1 + n samples, got {list(filters.shape)} and "
            f"{signal.shape[-1]}"
        )
    real: Any = 0.0
    imag: Any = 0.0
    for m in range(length):
        late = signal[..., length - 1 - m : length - 1 - m + count]
        gain = filters[..., m, :]
        real = real + (gain.real * late.real - gain.imag * late.imag)
        imag = imag + (gain.real * late.imag + gain.imag * late.real)
    return real + 1j * imag  # type: ignore[no-any-return]
