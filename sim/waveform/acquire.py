"""What a known preamble tells: fine carrier offset, impulse response, noise."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..channels.frequency_offset import estimate_frequency
from .detect import Detection
from .preamble import LENGTH, PREAMBLE
from .single_carrier import SingleCarrier

__all__ = ["FIRST_TAP", "TAPS", "Acquirer", "Acquisition", "response"]

FIRST_TAP = -8
"""Of the impulse response, in half symbols before the place where the preamble was found."""
TAPS = 24
"""Half symbols of impulse response: up to 4 symbols early and 8 late."""

_RESPONSE = 129  # places
_RUN = 64  # symbols added up coherently before the offset is known to better than one turn over the preamble
_FARTHEST = 2 / LENGTH  # cycles a symbol that a coarse offset is wrong by; beyond it there is but noise
_STEPS = 4  # of Gauss and Newton, for offset and taps in turn
_EDGE = 4  # symbols at the ends of the preamble that are left out of the noise
_SYMBOLS = 1024  # of the block of samples that is filtered


class Acquisition(NamedTuple):
    """What is known of a burst from its preamble.

    Attributes:
        origin: Sample of the middle of the preamble's first symbol, from the first sample given.
        cfo: Carrier offset in cycles a symbol.
        taps: complex128 ``[TAPS]``, impulse response in half symbols from `FIRST_TAP` on, without the pulse; its phase
            is that in the middle of the preamble.
        n0: Noise variance behind the matched filter.
        gain: Energy of a symbol behind it; 0 where there is no preamble.
    """

    origin: int
    cfo: float
    taps: NDArray[np.complex128]
    n0: float
    gain: float


def response(taps: NDArray[np.complex128]) -> NDArray[np.complex64]:
    r"""Return the gain of a channel, complex64 ``[129]``, evenly from minus half the symbol rate to half of it.

    .. math:: H(f) = \sum_l h_l\, e^{-j \pi f l}

    Args:
        taps: Of an `Acquisition`.
    """
    return np.asarray(_waves() @ taps, np.complex64)


@lru_cache(maxsize=1)
def _waves() -> NDArray[np.complex128]:
    frequencies = np.linspace(-0.5, 0.5, _RESPONSE)
    return np.asarray(np.exp(-1j * np.pi * np.outer(frequencies, np.arange(FIRST_TAP, FIRST_TAP + TAPS))))


class Acquirer:
    r"""Estimates offset, channel and noise from the preamble.

    The taps are those of least squares: the correlations with the preamble at half symbols, freed of what neighbouring
    taps and the pulse add to them.

    .. math:: h = G^{-1} c, \quad c_l = \sum_m s_m^*\, y[2 m + l], \quad
        G_{ll'} = \sum_{m, m'} s_m^*\, s_{m'}\, g[2 (m - m') + l - l']

    where g is the pulse convolved with itself, at half symbols. The offset is at first the peak of the periodogram of
    the preamble divided by what was sent, at the strongest tap. In a sweep, symbols that a channel leaks to their
    neighbours are tones, which pull that peak; so offset and taps are then refined in turn, by the slope of what the
    taps leave over. White noise of variance N0 behind a matched filter of unit energy is white at one sample a symbol:
    what the taps leave over there in the end is N0.

    Args:
        waveform: What is sent.

    Attributes:
        before: Samples needed before the place of the preamble.
        size: Samples needed in all.
    """

    def __init__(self, waveform: SingleCarrier) -> None:
        rate = waveform.samples_per_symbol
        self._rate = rate
        self._lead = 2 * (waveform.half_span + 8)  # half symbols
        self.before = self._lead * rate // 2
        self.size = _SYMBOLS * rate
        taps = np.zeros(self.size)
        taps[: waveform.pulse.size] = waveform.pulse
        filtered = scipy.fft.fft(np.roll(taps, -waveform.half_span * rate)).real
        self._low = np.r_[0:_SYMBOLS, self.size - _SYMBOLS : self.size]
        self._filter = filtered[self._low] / (rate // 2)
        auto = np.convolve(waveform.pulse, waveform.pulse)[:: rate // 2]
        lags = np.arange(FIRST_TAP, FIRST_TAP + TAPS)
        self._lags = lags
        spread = np.zeros(2 * PREAMBLE.size - 1, np.complex128)
        spread[::2] = PREAMBLE
        self._shaped = np.convolve(spread, auto)  # index i: half symbol i - auto.size // 2
        sent = np.zeros((2 * PREAMBLE.size + TAPS - 1, TAPS), np.complex128)
        for tap in range(TAPS):
            sent[tap : tap + spread.size, tap] = spread
        middle = auto.size // 2
        gram = sent.conj().T @ np.stack(
            [np.convolve(column, auto)[middle : middle + sent.shape[0]] for column in sent.T], axis=1
        )
        self._inverse = np.linalg.inv((gram + gram.conj().T) / 2 + 1e-5 * PREAMBLE.size * np.eye(TAPS))

    def acquire(self, samples: NDArray[np.complex64], found: Detection) -> Acquisition:
        """Estimate.

        Args:
            samples: complex64 ``[size]``; the preamble was found at sample ``before``.
            found: With the coarse offset, and the place as the samples were cut by it, rounded.
        """
        ramp = np.exp(-2j * np.pi * found.cfo / self._rate * np.arange(self.size))
        filtered = scipy.fft.ifft(scipy.fft.fft(samples * ramp)[self._low] * self._filter)
        rows = 2 * np.arange(PREAMBLE.size) + self._lead
        received = filtered[rows + self._lags[:, None]]  # [taps, symbols]
        matched = received * PREAMBLE.conj()
        energy = (np.abs(matched.reshape(TAPS, -1, _RUN).sum(axis=-1)) ** 2).sum(axis=-1)
        rest, _ = estimate_frequency(matched[np.argmax(energy)])
        if abs(rest) > _FARTHEST:
            noise = float(np.mean(np.abs(received[-FIRST_TAP]) ** 2))
            return Acquisition(self.before, found.cfo, np.zeros(TAPS, np.complex128), noise, 0.0)
        middle = (PREAMBLE.size - 1) / 2
        times = np.arange(PREAMBLE.size) - middle  # from the middle of the preamble, in symbols
        lags = self._lags[:, None] / 2
        for _ in range(_STEPS):
            turned = received * np.exp(-2j * np.pi * rest * times) * np.exp(-2j * np.pi * rest * lags)
            taps = (self._inverse * (turned * PREAMBLE.conj()).sum(axis=-1)).sum(axis=-1)
            rebuilt = self._rebuilt(taps)
            left = turned[-FIRST_TAP] - rebuilt
            slope = 1j * times * rebuilt
            rest += float(np.vdot(slope, left).real / np.vdot(slope, slope).real) / (2 * np.pi)
        n0 = float(np.mean(np.abs(left[_EDGE:-_EDGE]) ** 2)) / (1 - TAPS / 2 / PREAMBLE.size)
        gain = float(np.vdot(rebuilt, rebuilt).real) / PREAMBLE.size
        start = np.exp(-2j * np.pi * found.cfo * (self._lead / 2 + middle))  # the ramp began before the preamble
        return Acquisition(self.before, found.cfo + rest, taps / start, n0, gain)

    def _rebuilt(self, taps: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the preamble behind channel and matched filter, one sample a symbol."""
        through = np.convolve(self._shaped, taps)
        first = self._shaped.size // 2 - (PREAMBLE.size - 1) - FIRST_TAP
        return through[first : first + 2 * PREAMBLE.size : 2]
