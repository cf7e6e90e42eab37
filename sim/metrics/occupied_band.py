"""Occupied bandwidth."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["occupied_band"]

_BINS = 1024


def occupied_band(samples: NDArray[np.complexfloating], share: float = 0.99) -> float:
    r"""Width of the band that holds a share of the power, with as much left below it as above it.

    .. math:: B = f_2 - f_1, \quad \int_{-1/2}^{f_1} S = \int_{f_2}^{1/2} S = \frac{1 - \mathrm{share}}{2} \int S

    S is estimated by Welch's method, with Hann windows of 1024 samples that overlap by half.

    Args:
        samples: complex ``[n]``.
        share: Of the power.

    Returns:
        The width in cycles a sample: times the sample rate it is one in Hz.

    Raises:
        SignalError: there is no power.

    Source: ITU-R SM.328, occupied bandwidth; Welch, IEEE Trans. Audio Electroacoust. 15(2), 1967.

    Example:
        >>> occupied_band(np.exp(2j * np.pi * 0.1 * np.arange(4096))) < 4 / 1024  # a tone: the window's own width
        True
    """
    if not np.any(samples):
        raise SignalError(f"occupied band: expected samples with some power, got {samples.size} without")
    size = min(_BINS, samples.size)
    _, density = scipy.signal.welch(samples, window="hann", nperseg=size, return_onesided=False, detrend=False)
    below = np.concatenate([[0.0], np.cumsum(np.fft.fftshift(density))])
    edges = (np.arange(size + 1) - 0.5) / size - (size // 2) / size
    rest = (1 - share) / 2
    low, high = np.interp([rest * below[-1], (1 - rest) * below[-1]], below, edges)
    return float(high - low)
