"""From samples to symbols, block by block: matched filter, equaliser and delay in the frequency domain."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .acquire import FIRST_TAP, TAPS, Acquisition
from .single_carrier import SingleCarrier
from .track import Start, track

__all__ = ["BlockEqualizer", "Equalized", "EqualizerKind"]

EqualizerKind = Literal["mmse", "one_tap"]

_BLOCK = 512  # symbols of a block
_MARGIN = 64  # of it at each end: what the filters and the clock reach
_HOP = _BLOCK - 2 * _MARGIN
_LEAST_DRIFT = 5e-6
_FINE = 32  # bins
_DRIFT = 16  # symbols of clock drift that a block's margin takes
_TIMING_GAIN = 0.15
_TIMING_START = Start(0.25, 0.0, 100.0)  # the place is known from the preamble, the rate is not


class Equalized(NamedTuple):
    """Symbols that came out of the equaliser.

    Attributes:
        symbols: complex64 ``[n]``, without bias.
        n0: Their noise variance, as far as the acquisition tells.
        delays: float64 ``[blocks]``, in symbols, by which the clock has moved since the preamble.
        clock_ppm: Of the sender's clock against the receiver's, from those, in 1e-6.
    """

    symbols: NDArray[np.complex64]
    n0: float
    delays: NDArray[np.float64]
    clock_ppm: float


class BlockEqualizer:
    r"""Equalises bursts of one waveform.

    .. math:: \hat S(f) = \frac{1}{a} \frac{\sum_i P(f_i)\, H^*(f_i)\, e^{j 2 \pi f_i \tau}\, X(f_i)}
        {N_0 + \sum_i |P(f_i)\, H(f_i)|^2}, \quad f_i = f - i

    f is in cycles a symbol, the sums are over the aliases of one sample a symbol, and a takes off the bias. The delay
    tau of a block is told by the two edges of the band, which are aliases of each other and carry the same symbols:

    .. math:: \tau = -\frac{1}{2 \pi} \arg \sum_f U(f)\, U^*(f - 1), \quad U = P H^* X

    A loop of second order follows it through the blocks, and so through the drift of the clock.

    Args:
        waveform: What is sent.
        kind: ``mmse`` inverts the channel as above; ``one_tap`` takes it for one gain and one delay, and the filter is
            then that of the pulse.

    Source: Godard, Passband timing recovery in an all-digital modem receiver, IEEE Trans. Commun. 26(5), 1978;
        Falconer et al., Frequency domain equalization for single-carrier broadband wireless systems, IEEE Commun. Mag.
        40(4), 2002.
    """

    def __init__(self, waveform: SingleCarrier, kind: EqualizerKind = "mmse") -> None:
        rate = waveform.samples_per_symbol
        self._rate, self._kind = rate, kind
        self._size = _BLOCK * rate
        widest = int(np.ceil((1 + waveform.rolloff) / 2 * _BLOCK)) + 8  # bins of one side of the band, and a little
        widest = min(widest, _BLOCK)
        bins = np.arange(-widest, widest + 1 if widest < _BLOCK else widest)
        self._bins = bins % self._size
        self._folded = bins % _BLOCK
        self._frequencies = bins / _BLOCK
        taps = np.zeros(self._size)
        taps[: waveform.pulse.size] = waveform.pulse
        self._pulse = scipy.fft.fft(np.roll(taps, -waveform.half_span * rate)).real[self._bins]
        edge = int(waveform.rolloff / 2 * _BLOCK)
        edge = min(edge, bins.size - 1 - _BLOCK // 2 - widest)  # at a roll-off of 1 the outermost bin, which is empty
        self._upper = np.arange(_BLOCK // 2 - edge, _BLOCK // 2 + edge + 1) + widest
        self._lower = self._upper - _BLOCK
        self._aliases = _fold_order(self._folded)
        self._known: Acquisition | None = None

    @property
    def before(self) -> int:
        """Samples needed before the first symbol of a body."""
        return _MARGIN * self._rate

    def needed(self, symbols: int) -> int:
        """Samples needed in all for so many symbols of a body."""
        blocks = -(-symbols // _HOP)
        return ((blocks - 1) * _HOP + _BLOCK) * self._rate

    def equalize(self, samples: NDArray[np.complex64], symbols: int, known: Acquisition, since: float) -> Equalized:
        """Equalise the first symbols of a body.

        Args:
            samples: complex64 ``[needed(symbols)]``; the body's first symbol is at sample ``before``.
            symbols: How many.
            known: From the preamble.
            since: Symbols from the middle of the preamble to the body's first symbol.
        """
        blocks = -(-symbols // _HOP)
        starts = np.arange(blocks) * _HOP
        if known is not self._known:  # the words of a burst, then all of it
            self._known, self._prepared = known, self._filters(known)
        filters, below, bias = self._prepared
        matched = self._matched(samples, starts * self._rate, filters, known.cfo, since)
        delays = self._delays(matched)
        shifts = np.zeros(blocks, np.intp)
        if np.abs(delays).max() > _DRIFT:
            shifts = np.rint(delays).astype(np.intp)
            at = np.clip((starts + shifts) * self._rate, 0, samples.size - self._size)
            shifts = at // self._rate - starts
            matched = self._matched(samples, at, filters, known.cfo, since)
        matched *= self._ramps(delays - shifts)
        away = starts - starts.mean()
        drift = float(np.sum(away * delays) / np.sum(away**2)) if blocks > 2 else 0.0
        scale = below * bias * self._rate
        out = self._symbols(matched, scale)
        if abs(drift) > _LEAST_DRIFT:  # the clock goes on within a block, too: to first order, by the slope
            matched *= (2j * np.pi * self._frequencies).astype(np.complex64)
            out += self._symbols(matched, scale) * ((np.arange(_HOP) - (_HOP - 1) / 2) * drift).astype(np.float32)
        return Equalized(out.reshape(-1)[:symbols], (1 - bias) / bias, delays, -drift * 1e6)

    def unequalized(self, samples: NDArray[np.complex64], cfo: float) -> NDArray[np.complex64]:
        """Return 384 symbols behind the matched filter alone, the carrier turned back.

        Args:
            samples: complex64 ``[needed(1)]``; the first symbol is at sample ``before``.
            cfo: Carrier offset in cycles a symbol.
        """
        matched = self._matched(samples, np.zeros(1, np.intp), self._pulse.astype(np.complex64), cfo, 0.0)
        symbols: NDArray[np.complex64] = self._symbols(matched, np.full(_BLOCK, self._rate, np.float32))[0]
        return symbols

    def _filters(self, known: Acquisition) -> tuple[NDArray[np.complex64], NDArray[np.float32], float]:
        """Return P H^*, N0 + sum |P H|^2, and the gain of their quotient on a symbol."""
        spread = np.zeros(2 * _BLOCK, np.complex128)
        spread[np.arange(FIRST_TAP, FIRST_TAP + TAPS)] = known.taps
        response = scipy.fft.fft(spread)[np.rint(self._frequencies * _BLOCK).astype(np.intp)]
        if self._kind == "one_tap":
            response = self._flattened(response)
        filters = self._pulse * response.conj()
        energy = self._fold(np.abs(filters)[None] ** 2)[0].real / self._rate
        below, level = known.n0 + energy, float(energy.mean())  # near one, whatever the gain of a radio
        bias = float(np.mean(energy / below))
        return (filters / level).astype(np.complex64), (below / level).astype(np.float32), bias

    def _flattened(self, response: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the one gain and delay that are nearest to a response, to a sixteenth of a symbol."""
        delays = np.arange(FIRST_TAP * 8, (FIRST_TAP + TAPS) * 8) / 16
        waves = np.exp(-2j * np.pi * np.outer(delays, self._frequencies))
        weights = self._pulse**2 / np.sum(self._pulse**2)
        gains = (weights * response * waves.conj()).sum(axis=-1)
        best = int(np.argmax(np.abs(gains)))
        return np.asarray(gains[best] * waves[best])

    def _matched(
        self,
        samples: NDArray[np.complex64],
        at: NDArray[np.intp],
        filters: NDArray[np.complex64],
        cfo: float,
        since: float,
    ) -> NDArray[np.complex64]:
        """Return U of the blocks that begin at these samples, their carrier turned back, ``[blocks, bins]``."""
        turns = np.arange(self._size) * (cfo / self._rate)
        pieces = sliding_window_view(samples, self._size)[at] * np.exp(-2j * np.pi * turns).astype(np.complex64)
        spectra: NDArray[np.complex64] = scipy.fft.fft(pieces, axis=-1, overwrite_x=True)[:, self._bins]
        phases = (at / self._rate - _MARGIN + since) * cfo
        spectra *= filters
        spectra *= np.exp(-2j * np.pi * phases).astype(np.complex64)[:, None]
        return spectra

    def _symbols(self, matched: NDArray[np.complex64], scale: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Add up the aliases, divide, and return the symbols that each block is for, ``[blocks, _HOP]``."""
        spectra = self._fold(matched) / scale
        return np.asarray(scipy.fft.ifft(spectra, axis=-1, overwrite_x=True)[:, _MARGIN : _MARGIN + _HOP])

    def _ramps(self, delays: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Return exp(j 2 pi f tau) of blocks and bins, as products of few exponentials."""
        angles = 2 * np.pi / _BLOCK * delays[:, None]
        coarse = np.arange(self._frequencies.size // _FINE + 1) * _FINE + round(self._frequencies[0] * _BLOCK)
        coarse_turns = np.exp(1j * angles * coarse).astype(np.complex64)
        fine_turns = np.exp(1j * angles * np.arange(_FINE)).astype(np.complex64)
        ramps = np.asarray(coarse_turns[:, :, None] * fine_turns[:, None, :])
        return ramps.reshape(delays.size, -1)[:, : self._frequencies.size]

    def _delays(self, matched: NDArray[np.complex64]) -> NDArray[np.float64]:
        crossed = (matched[:, self._upper] * matched[:, self._lower].conj()).sum(axis=-1)
        return -track(crossed.astype(np.complex128), _TIMING_GAIN, _TIMING_START) / (2 * np.pi)

    def _fold(self, spectra: NDArray[Any]) -> NDArray[Any]:
        """Add up the aliases, ``[blocks, bins]`` to ``[blocks, _BLOCK]``."""
        folded = np.zeros((spectra.shape[0], _BLOCK), spectra.dtype)
        for part in self._aliases:
            folded[:, self._folded[part]] += spectra[:, part]
        return folded


def _fold_order(folded: NDArray[np.intp]) -> list[slice]:
    """Cut the band into runs in which no bin comes twice."""
    return [slice(start, start + _BLOCK) for start in range(0, folded.size, _BLOCK)]
