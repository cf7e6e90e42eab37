"""From the samples of a body to its data: equaliser, then phase and gain by pilots, and the noise that is left."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .acquire import Acquisition, response
from .body import pilot_symbols, places
from .equalize import BlockEqualizer, EqualizerKind
from .gain import follow_gain
from .preamble import PREAMBLE
from .reception import Sight, thinned
from .single_carrier import SingleCarrier

__all__ = ["Demodulated", "Demodulator", "coherence"]

_TAIL = 24  # symbols behind a body that its filters and a fast clock reach into
_SLACK = 4  # symbols that a fast clock takes off a burst's end
_SHOWN = 384  # symbols that are shown as they are before the equaliser
_PHASES = 128  # along the body
_LAST = ((64, 12.0, 8), (128, 6.0, 16))  # pilots of a short burst, from an Es/N0 in dB on → those that tell its end
_LEAST = 32  # pilots that tell the end of others, where there are as many
_BY_CHANCE = 1 / 60  # of noise alone


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
        coherence: Of the body's last pilots, phase taken off, with what was sent, over that of noise: `coherence`.
        phases: float64 ``[m]``, in radians, evenly along the body: what is left of the carrier.
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
    phases: NDArray[np.float64]
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
        return self.uses(data) * self._waveform.samples_per_symbol

    def uses(self, data: int) -> int:
        """Channel uses of a body with so many data symbols, pilots included."""
        return places(data, self._waveform.pilot_spacing).size

    def needed(self, data: int) -> int:
        """Samples needed in all for the first data symbols of a body."""
        return self._equalizer.needed(self.uses(data))

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
        esn0_db = 10 * float(np.log10(known.gain / max(known.n0, 1e-12 * known.gain)))
        return Demodulated(
            found.symbols[where.data] / here,
            (gain.n0 / np.abs(here) ** 2).astype(np.float32),
            here,
            esn0_db,
            known.cfo,
            found.clock_ppm,
            gain.step_db,
            coherence(pilots * gain.gains[where.pilots].conj(), sent, esn0_db),
            np.unwrap(np.angle(thinned(gain.gains, _PHASES))),
            found.delays * self._waveform.samples_per_symbol,
        )

    def sight(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Sight:
        """Return what is seen of a body on the way to its data: symbols from its middle, the channel's response.

        Args:
            samples: As of `demodulate`.
            data: As of `demodulate`.
            known: From the preamble.
        """
        rate = self._waveform.samples_per_symbol
        body = self.uses(data)
        shown, needed = min(_SHOWN, body), self._equalizer.needed(1)
        start = (body - shown) // 2 * rate
        before = self._equalizer.unequalized(samples[start : start + needed], known.cfo)[:shown]
        return Sight(1 / rate, response(known.taps) / np.float32(np.sqrt(rate)), before)


def coherence(received: NDArray[np.complex64], sent: NDArray[np.complex64], esn0_db: float) -> float:
    r"""Return the correlation of the last pilots with what was sent, over what noise alone exceeds once in sixty times.

    .. math:: \frac{|p^H r|}{|p|\, |r|} \Big/ \sqrt{1 - 60^{-1 / (n - 1)}}

    They are the last eighth of the pilots and at least 32; of a short burst 8 or 16, where Es/N0 is high enough. More
    than 32 must have as much as those.
    """
    few = (count for most, least_db, count in _LAST if received.size < most and esn0_db >= least_db)
    count = next(few, max(_LEAST, received.size // 8))
    last = slice(-count, None)
    energy = float(np.vdot(received[last], received[last]).real) * sent[last].size
    found = float(np.abs(np.vdot(sent[last], received[last])) / np.sqrt(max(energy, 1e-30)))
    return found / math.sqrt(1 - _BY_CHANCE ** (1 / (min(count, _LEAST) - 1)))
