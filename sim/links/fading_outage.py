r"""What frames over fading let through but for a share of them: the mean over a frame's gains, at its quantile.

A frame of n symbols that are spread over independent gains, of which each but the last holds for c, lets

.. math:: \bar I = \sum_i w_i\, I(\gamma\, g_i), \quad w_i = c / n, \quad w_\mathrm{last} = (n \bmod c) / n

bits a use through, a random number that the transmitter knows the law of and no more. Of very many gains it is normal.

Source: Tse & Viswanath, Fundamentals of Wireless Communication, section 5.4.5 (outage of L parallel channels); that a
code needs as much mean information as over AWGN: Brueninghaus et al., Link performance models for system level
simulations of broadband radio access systems, IEEE PIMRC 2005.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from .capacity import Fading, gain_quantile

__all__ = ["FadingLaw", "information_but_for"]

Values = NDArray[np.float64]
_GAINS = 4000  # equally likely ones that stand for the law
_BINS = 16384  # of the sum over all gains
_MANY = 1024  # so many gains that their sum is normal


class FadingLaw(NamedTuple):
    """What a transmitter knows of the fading.

    Attributes:
        fading: Law of the gain; E|h|^2 = 1.
        k_db: K factor in dB, of ``rician``.
        coherence_symbols: Symbols over which a gain stays, of a frame whose symbols are spread over all its gains; 0:
            so few that a frame sees all of the law.
    """

    fading: Fading = "none"
    k_db: float = 6.0
    coherence_symbols: int = 0

    def gains(self, uses: int) -> float:
        """How many gains a frame meets, the last for a part of its time; 0: all of the law."""
        return max(1.0, uses / self.coherence_symbols) if self.coherence_symbols else 0.0


def information_but_for(
    outage: float, information: Callable[[Values], Values], esn0_db: float, law: FadingLaw, uses: int
) -> float:
    """Bits a use that all but a share of frames let through.

    Args:
        outage: The share, above 0 and below 1.
        information: Bits a use at Es/N0 in dB, rising.
        esn0_db: Mean Es/N0 in dB.
        law: Of the fading.
        uses: Complex symbols of the frame.

    >>> law = FadingLaw("rayleigh", coherence_symbols=256)
    >>> round(information_but_for(0.01, lambda db: np.log2(1 + 10 ** (db / 10)), 10.0, law, 256), 3)
    0.138
    """
    if law.fading == "none":
        return float(information(np.array([esn0_db]))[0])
    count = law.gains(uses)
    if count == 1:
        gain = gain_quantile(np.array([outage]), law.fading, law.k_db)
        return float(information(esn0_db + 10 * np.log10(gain))[0])
    each = information(esn0_db + _gains_db(law.fading, law.k_db))
    mean = float(each.mean())
    if not count:
        return mean
    if count > _MANY:
        return mean + float(ndtri(outage) * each.std() / count**0.5)
    whole = int(count)
    bins = max(_BINS // whole, 16)
    step = float(each.max()) / (bins - 1) or 1.0
    size = 1 << ((whole + 1) * bins).bit_length()  # of which FFTs are fast
    spectrum = np.fft.rfft(_masses(each / step, bins), size) ** whole
    spectrum *= np.fft.rfft(_masses((count - whole) * each / step, bins), size)
    return float(np.searchsorted(np.cumsum(np.fft.irfft(spectrum, size)), outage) * step / count)


def _masses(values: Values, bins: int) -> Values:
    """Equally likely values as masses on whole numbers: one between two is shared so that its mean stays."""
    place, part = np.divmod(values, 1)
    at = place.astype(np.intp)
    masses: Values = (np.bincount(at, 1 - part, bins + 1) + np.bincount(at + 1, part, bins + 1)) / values.size
    return masses


@lru_cache(maxsize=16)
def _gains_db(fading: Fading, k_db: float) -> Values:
    """Equally likely power gains, rising."""
    decibels: Values = 10 * np.log10(gain_quantile((np.arange(_GAINS) + 0.5) / _GAINS, fading, k_db))
    decibels.setflags(write=False)
    return decibels
