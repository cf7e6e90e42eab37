"""A change of the sample rate by a ratio of whole numbers, of a stream in chunks of any length."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError

__all__ = ["LARGEST", "Resampler", "rate_ratio"]

LARGEST: Final = 4096  # of the two numbers of a ratio: the filter has some 43 times as many taps
PASSBAND = 0.8  # of the smaller Nyquist frequency
STOPBAND_DB = 72.0  # of the design; Kaiser's formula is a decibel off
EXACT = 1e-9  # how well the ratio meets the rates: a sample in three weeks at 500 S/s, in 17 min at 1 MS/s


def rate_ratio(from_hz: float, to_hz: float) -> Fraction:
    """Return the ratio of two sample rates.

    Raises:
        SignalError: it is no ratio of whole numbers up to `LARGEST`.

    Example:
        >>> rate_ratio(23.04e6, 1e6)
        Fraction(25, 576)
    """
    exact = Fraction(to_hz) / Fraction(from_hz)
    ratio = exact.limit_denominator(LARGEST)
    if not 0 < ratio <= LARGEST or abs(ratio / exact - 1) > EXACT:
        raise SignalError(
            f"resample: expected rates in the ratio of two whole numbers up to {LARGEST}, got {from_hz:.10g} Hz to "
            f"{to_hz:.10g} Hz; choose a rate that is a simple fraction of the other"
        )
    return ratio


class Resampler:
    r"""Resamples by a ratio up/down, with a linear-phase filter whose delay is made up for.

    .. math:: y[m] = \sum_i x[i]\, h[m \cdot \mathrm{down} - i \cdot \mathrm{up}]

    What lies below 0.8 of the smaller Nyquist frequency passes; images and aliases are 70 dB down. Where the chunks are
    cut changes no bit: what comes out of ``push`` and ``flush`` is what `scipy.signal.resample_poly` makes of all that
    went in, with this filter.

    Args:
        ratio: up/down.

    Attributes:
        taps: The filter, float32, of odd length.
    """

    def __init__(self, ratio: Fraction) -> None:
        from scipy.signal import firwin, kaiserord

        self.up, self.down = ratio.numerator, ratio.denominator
        larger = max(self.up, self.down)
        if larger == 1:
            self.taps = np.ones(1, np.float32)
        else:
            count, beta = kaiserord(STOPBAND_DB, (1 - PASSBAND) / larger)
            window: Any = ("kaiser", beta)
            self.taps = (self.up * firwin(count | 1, (1 + PASSBAND) / 2 / larger, window=window)).astype(np.float32)
        half = self.taps.size // 2
        self._shift = -half % self.down
        self._filter = np.concatenate([np.zeros(self._shift, np.float32), self.taps])
        self._before = self.down * -(-(half + self._shift) // (self.up * self.down))  # inputs that an output looks back
        self._half = half
        self.reset()

    def reset(self) -> None:
        """Begin anew: what comes next has silence before it."""
        self._held = np.zeros(self._before, np.complex64)  # starts at input number ``_held_from``, a multiple of down
        self._held_from = -self._before
        self._next = 0  # number of the output that comes next

    def push(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Take a chunk, complex64 ``[n]``; return the outputs that need no later input."""
        self._held = np.concatenate([self._held, samples])
        received = self._held_from + self._held.size
        return self._upto(max(0, -(-(received * self.up - self._half) // self.down)))

    def flush(self) -> NDArray[np.complex64]:
        """Return the rest, as if silence followed, and begin anew."""
        received = self._held_from + self._held.size
        self._held = np.concatenate([self._held, np.zeros(self._half // self.up + 1, np.complex64)])
        rest = self._upto(-(-received * self.up // self.down))
        self.reset()
        return rest

    def _upto(self, end: int) -> NDArray[np.complex64]:
        """Return outputs from the next one to ``end``, and forget the inputs that no later one needs."""
        from scipy.signal import upfirdn

        if end <= self._next:
            return np.empty(0, np.complex64)
        pairs = self._held.view(np.float32).reshape(-1, 2)  # I and Q apart: half the multiplications
        made = upfirdn(self._filter, pairs, self.up, self.down, axis=0)
        # Output m looks at tap 0 of the filter where the inputs stand at m * down + half, counted at the higher rate.
        ahead = (self._half + self._shift - self._held_from * self.up) // self.down
        out = np.ascontiguousarray(made[self._next + ahead : end + ahead], np.float32).reshape(-1).view(np.complex64)
        self._next = end
        oldest = (end * self.down - self._half) // self.up
        keep_from = max(self._held_from, oldest // self.down * self.down)
        self._held = self._held[keep_from - self._held_from :].copy()
        self._held_from = keep_from
        return out
