r"""What frames over fading let through but for a share of them: the mean over a frame's gains, at its quantile.

A frame whose symbols are spread over N independent gains lets

.. math:: \bar I = \frac{1}{N} \sum_{i=1}^{N} I(\gamma\, g_i)

bits a use through, a random number that the transmitter knows the law of and no more.

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

from .capacity import Fading

__all__ = ["FadingLaw", "information_but_for"]

Values = NDArray[np.float64]
_GAINS = 4000  # equally likely ones that stand for the law
_BINS = 16384  # of the sum over all gains


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

    def gains(self, uses: int) -> int:
        """How many gains a frame meets; 0: all of the law."""
        return -(-uses // self.coherence_symbols) if self.coherence_symbols else 0


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
    0.139
    """
    if law.fading == "none":
        return float(information(np.array([esn0_db]))[0])
    each = information(esn0_db + _gains_db(law.fading, law.k_db))
    if not (count := law.gains(uses)):
        return float(each.mean())
    if count == 1:
        return float(np.quantile(each, outage))
    # Mass between two bins is shared so that its mean stays; the law of the sum is the count-th power
    bins = max(_BINS // count, 16)
    step = float(each.max()) / (bins - 1) or 1.0
    place, part = np.divmod(each / step, 1)
    at = place.astype(np.intp)
    mass = np.bincount(at, 1 - part, bins + 1) + np.bincount(at + 1, part, bins + 1)
    size = count * bins + 1
    sums = np.fft.irfft(np.fft.rfft(mass / mass.sum(), size) ** count, size)
    return float(np.searchsorted(np.cumsum(sums), outage) * step / count)


@lru_cache(maxsize=16)
def _gains_db(fading: Fading, k_db: float) -> Values:
    """Equally likely power gains, rising."""
    share = (np.arange(_GAINS) + 0.5) / _GAINS
    if fading == "rayleigh":
        gains = -np.log1p(-share)
    else:
        from scipy.stats import ncx2  # which takes half a second to import

        k = 10 ** (k_db / 10)
        gains = ncx2.ppf(share, 2, 2 * k) / (2 * (k + 1))
    decibels: Values = 10 * np.log10(gains)
    decibels.setflags(write=False)
    return decibels
