r"""The preamble: two Zadoff-Chu sequences that sweep the band in opposite directions.

.. math:: z_u[n] = e^{-j \pi u n^2 / N}, \quad u = 1, \; N - 1, \quad N = 256

A carrier offset of :math:`\delta` bins of 1 / N of the symbol rate moves the peak of root u by
:math:`u^{-1} \delta \bmod N` symbols: of the first root later by delta, of the second earlier by as much. Half their
sum is the time, half their difference the offset; one root alone takes the one for the other.

Source: Chu, Polyphase codes with good periodic correlation properties, IEEE Trans. Inf. Theory 18(4), 1972.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["GUARD", "LENGTH", "PREAMBLE", "ROOTS", "threshold", "zadoff_chu"]

LENGTH: Final = 256
"""Symbols of one sequence."""
ROOTS: Final = (1, LENGTH - 1)
GUARD: Final = 16
"""Symbols of silence behind them: what is unknown stays out of what the preamble tells of the channel."""


def zadoff_chu(root: int, length: int) -> NDArray[np.complex128]:
    """Return a Zadoff-Chu sequence of even length, complex128 ``[length]``.

    Raises:
        SignalError: the length is odd, or shares a factor with the root.
    """
    if length < 2 or length % 2 or np.gcd(root, length) != 1:
        raise SignalError(
            f"zadoff-chu: expected an even length and a root that shares no factor with it, got {length} and {root}"
        )
    n = np.arange(length, dtype=np.int64)
    return np.exp(np.complex128(-1j) * np.pi * (root * n * n % (2 * length)) / length)


def threshold(rate: float, length: int) -> float:
    r"""Return the threshold that white complex Gaussian noise exceeds with a false-alarm rate, per position.

    .. math:: P\left(\frac{|p^H r|^2}{|p|^2 |r|^2} > \eta\right) = (1 - \eta)^{N - 1}

    Exact, whatever the noise's level: the statistic is a beta variable of parameters 1 and N - 1.

    Args:
        rate: Of false alarms, 0 to 1.
        length: N, of the sequence, in samples whose noise is independent.

    Raises:
        SignalError: the rate is not between 0 and 1.

    Example:
        >>> f"{threshold(1e-9, 139):.3f} {threshold(1e-9, 256):.3f} {threshold(1e-9, 512):.3f}"
        '0.139 0.078 0.040'
    """
    if not 0 < rate < 1:
        raise SignalError(f"detection: expected a false-alarm rate between 0 and 1, got {rate}")
    return float(-np.expm1(np.log(rate) / (length - 1)))


PREAMBLE: Final[NDArray[np.complex128]] = np.concatenate([zadoff_chu(root, LENGTH) for root in ROOTS])
PREAMBLE.setflags(write=False)
