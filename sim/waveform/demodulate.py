"""From the samples of a body to its data: equaliser, then phase and gain by pilots, and the noise that is left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .acquire import Acquisition, response
from .body import pilot_symbols, places
from .equalize import BlockEqualizer, EqualizerKind
from .gain import follow_gain
from .preamble import PREAMBLE
from .reception import Sight
from .single_carrier import SingleCarrier

__all__ = ["Demodulated", "Demodulator", "coherence"]

_TAIL = 24  # symbols behind a body that its filters and a fast clock reach into
_SLACK = 4  # symbols that a fast clock takes off a burst's end
_SHOWN = 384  # symbols that are shown as they are before the equaliser
_LEAST = 32  # pilots that a coherence is made of, where there are as many


class Demodulated(NamedTuple):
    """The data symbols of a body.

    Attributes:
        symbols: complex64 ``[n]``, equalised, without bias.
        n0: float32 ``[n]``, effective noise variance of each.
        gains: complex64 ``[n]``, gain of the channel at each, against the middle of the preamble.
        esn0_db: Estimated Es/N0 in dB behind the matched filter.
        cfo: Carrier offset in cycles a symbol.
        clock_ppm: Of the sender's clock against the receiver's, in 1e-6.
        gain_step_db: Greatest step of the gain within the burst, in dB.
        coherence: Of the pilots of the body's last eighth, phase taken off, with what was sent, 0 to 1.
        delays: float64 ``[m]``, in samples, evenly along the body: by which the clock has moved.
    """

    symbols: NDArray[np.complex64]
    n0: NDArray[np.float32]
    gains: NDArray[np.complex64]
    esn0_db: float
    cfo: float
    clock_ppm: float
    gain_step_db: float
    coherence: float
    delays: NDArray[np.float64]


class Demodulator:
    """Demodulates bodies of bursts of one waveform.

    Args:
        waveform: What is sent.
        kind: Of the equaliser.

    Attributes:
        preamble: As it is sent.
        head: Samples from the preamble's first symbol to the body's first.
        before: Samples needed before a body's first symbol.
        tail: Samples behind a body that are waited for.
        slack: Samples of a body's end that may be missing.
    """

    def __init__(self, waveform: SingleCarrier, kind: EqualizerKind = "mmse") -> None:
        self._waveform = waveform
        self._equalizer = BlockEqualizer(waveform, kind)
        self.preamble = waveform
        rate = waveform.samples_per_symbol
        self.head, self.tail, self.slack = waveform.head * rate, _TAIL * rate, _SLACK * rate
        self.before = self._equalizer.before

    def length(self, data: int) -> int:
        """Samples of a body with so many data symbols."""
        return places(data, self._waveform.pilot_spacing).size * self._waveform.samples_per_symbol

    def needed(self, data: int) -> int:
        """Samples needed in all for the first data symbols of a body."""
        return self._equalizer.needed(places(data, self._waveform.pilot_spacing).size)

    def demodulate(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Demodulated:
        """Return the first data symbols of a body.

        Args:
            samples: complex64 ``[needed(data)]``; the body's first symbol is at sample ``before``.
            data: How many data symbols.
            known: From the preamble.
        """
        where = places(data, self._waveform.pilot_spacing)
        since = self._waveform.head - (PREAMBLE.size - 1) / 2
        found = self._equalizer.equalize(samples, where.size, known, since)
        sent = pilot_symbols(where.pilots.size)
        pilots = found.symbols[where.pilots]
        gain = follow_gain(pilots, sent, where.pilots, where.size, n0=found.n0)
        here = gain.gains[where.data]
        return Demodulated(
            found.symbols[where.data] / here,
            (gain.n0 / np.abs(here) ** 2).astype(np.float32),
            here,
            10 * float(np.log10(known.gain / max(known.n0, 1e-12 * known.gain))),
            known.cfo,
            found.clock_ppm,
            gain.step_db,
            coherence(pilots * gain.gains[where.pilots].conj(), sent),
            found.delays * self._waveform.samples_per_symbol,
        )

    def sight(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Sight:
        """Return what is seen of a body on the way to its data: symbols from its middle, the channel's response.

        Args:
            samples: As of `demodulate`.
            data: As of `demodulate`.
            known: From the preamble.
        """
        waveform, rate = self._waveform, self._waveform.samples_per_symbol
        body = places(data, waveform.pilot_spacing).size
        shown, needed = min(_SHOWN, body), self._equalizer.needed(1)
        start = (body - shown) // 2 * rate
        before = self._equalizer.unequalized(samples[start : start + needed], known.cfo)[:shown]
        return Sight(1 / rate, response(known.taps) / np.float32(np.sqrt(rate)), before)


def coherence(received: NDArray[np.complex64], sent: NDArray[np.complex64]) -> float:
    """Return the correlation of the last eighth of the pilots, or the last 32, with what was sent."""
    last = slice(-max(_LEAST, received.size // 8), None)
    energy = float(np.vdot(received[last], received[last]).real) * sent[last].size
    return float(np.abs(np.vdot(sent[last], received[last])) / np.sqrt(max(energy, 1e-30)))
