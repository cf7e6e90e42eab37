"""A receiver of bursts on an endless stream that is cut anywhere."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..side_information.field import HeaderField
from ..side_information.packed_header import unpack_header
from ..side_information.start_word import StartWord
from .acquire import Acquirer, Acquisition
from .body import payload_order, to_payload
from .coded_word import decode_word
from .demodulate import Demodulated
from .detect import Detection, Detector
from .frame import START_SYMBOLS, header_symbols, read_start
from .line import Line
from .preamble import LENGTH
from .reception import Reception, Sight, power_spectrum, thinned
from .single_carrier import SingleCarrier

__all__ = ["BodyDemodulator", "Burst", "BurstReceiver", "Failure"]

_LEAST_COHERENCE = 0.35  # of 32 pilots; noise alone has more in one case of sixty, a signal of -1 dB less in one of 200
_LEAST_SHARE = 0.2  # of the preamble's energy that the channel explains; in noise 24 taps explain 1/20 of it
_LOOKED_AT = 4096  # samples that a spectrum is made of
_SHOWN = 384  # symbols of the payload that are shown
_Steps = Generator[int, None, None]


@dataclass(frozen=True)
class Burst:
    """A burst that was received.

    Attributes:
        start: Its start word.
        fields: Of its header.
        symbols: complex64 ``[n]``, the payload, equalised, without bias.
        n0: float32 ``[n]``, effective noise variance of each.
        gains: complex64 ``[n]``, relative gain of the channel at each.
        known: Es/N0, offsets, gain steps.
        offset: Sample in the middle of the preamble's first symbol.
        reception: What the receiver saw of it, in samples: `Reception.at` gives it seconds and Hz.
    """

    start: StartWord
    fields: tuple[HeaderField, ...]
    symbols: NDArray[np.complex64]
    n0: NDArray[np.float32]
    gains: NDArray[np.complex64]
    known: Demodulated
    offset: int
    reception: Reception


@dataclass(frozen=True)
class Failure:
    """A preamble behind which no burst could be read.

    Attributes:
        kind: ``false``: there was hardly a signal; ``header``: start word or header were received with errors, or are
            none of ours; ``truncated``: the burst ends before its end.
        offset: Sample where it was found.
        seq: Number of the burst, where the start word was read.
        reason: In a sentence.
    """

    kind: Literal["false", "header", "truncated"]
    offset: int
    seq: int | None
    reason: str


class BodyDemodulator(Protocol):
    """What a waveform does behind the preamble; `Demodulator` is one, and says what these are."""

    preamble: SingleCarrier
    head: int
    before: int
    tail: int
    slack: int

    def length(self, data: int) -> int:
        """Samples of a body."""

    def needed(self, data: int) -> int:
        """Samples needed in all."""

    def demodulate(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Demodulated:
        """Return data symbols."""

    def sight(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Sight:
        """Return what is seen on the way to them."""


class BurstReceiver:
    """Finds bursts and reads them.

    What is found does not depend on how the stream is cut: all that is worked on lies at places that the stream itself
    decides.

    Args:
        demodulator: Of the waveform that is sent.
        false_alarm_rate: Of the detector, per position of two a symbol of the preamble.
        longest: Symbols of the longest payload that is believed.

    Attributes:
        bad_samples: Samples that were not finite.
    """

    def __init__(
        self,
        demodulator: BodyDemodulator,
        *,
        false_alarm_rate: float = 1e-9,
        longest: int = 1 << 20,
    ) -> None:
        self._demodulator, self._longest = demodulator, longest
        self._detector = Detector(demodulator.preamble, false_alarm_rate)
        self._acquirer = Acquirer(demodulator.preamble)
        self._found: list[Burst | Failure] = []
        self.bad_samples = 0
        self._begin(0)

    def _begin(self, offset: int) -> None:
        self._line, self._ended = Line(offset), False
        self._steps = self._run(offset)
        self._need = next(self._steps)

    def push(self, samples: NDArray[np.complex64], gap: int = 0) -> list[Burst | Failure]:
        """Take the next samples; return what is complete.

        Args:
            samples: complex64 ``[n]``.
            gap: Samples that were lost right before: a burst that they cut is truncated.
        """
        found = self.flush(gap) if gap else []
        self._line.push(samples)
        return found + self._advance()

    def flush(self, gap: int = 0) -> list[Burst | Failure]:
        """End the stream, or begin anew behind a gap; return what is complete."""
        self._ended = True
        found = self._advance()
        self.bad_samples += self._line.bad
        self._begin(self._line.end + gap)
        return found

    def _advance(self) -> list[Burst | Failure]:
        while self._need <= self._line.end or self._ended:
            try:
                self._need = next(self._steps)
            except StopIteration:
                break
        found, self._found = self._found, []
        return found

    def _run(self, at: int) -> _Steps:
        """Search and read, from a sample on; yields the number of the sample that it waits for."""
        detector = self._detector
        while True:
            start = at - detector.before
            yield start + detector.size
            if at >= self._line.end:  # the stream has ended
                return
            found = detector.find(self._line.cut(start, self._line.end, detector.size))
            if found is None:
                at += detector.positions
            else:
                at = yield from self._read(start + round(found.position), found)
            self._line.forget(at - detector.before)

    def _read(self, origin: int, found: Detection) -> Generator[int, None, int]:
        """Read the burst whose preamble begins at a sample; return the sample to search on from."""
        rate = self._demodulator.preamble.samples_per_symbol
        first = origin - self._acquirer.before
        yield first + self._acquirer.size
        known = self._acquirer.acquire(self._line.cut(first, self._line.end, self._acquirer.size), found)
        body = origin + self._demodulator.head
        share = known.gain / (known.gain + known.n0)
        if share < _LEAST_SHARE:
            self._fail("false", origin, None, f"the preamble explains {share:.0%} of the energy")
            return origin + LENGTH // 4 * rate
        word = yield from self._demodulate(body, START_SYMBOLS, known)
        start = read_start(word.symbols, word.n0)
        if start is None:
            self._fail("header", origin, None, "the start word's CRC16 does not hold")
            return origin + LENGTH * rate
        behind = START_SYMBOLS + header_symbols(start)
        if start.payload > self._longest:
            self._fail("header", origin, start.seq, f"{start.payload} symbols are more than {self._longest}")
            return origin + LENGTH * rate
        word = yield from self._demodulate(body, behind, known)
        try:
            bits = decode_word(word.symbols[START_SYMBOLS:], word.n0[START_SYMBOLS:])
            fields = unpack_header(bits)
        except SignalError as error:
            self._fail("header", origin, start.seq, str(error))
            return origin + LENGTH * rate
        end = body + self._demodulator.length(behind + start.payload)
        yield end + self._demodulator.tail
        if self._line.end < end - self._demodulator.slack:
            self._fail("truncated", origin, start.seq, f"{end - self._line.end} samples of its end are missing")
            return self._line.end
        whole = yield from self._demodulate(body, behind + start.payload, known)
        if whole.coherence < _LEAST_COHERENCE:
            self._fail("truncated", origin, start.seq, "its last pilots are not there")
            return body + behind * rate
        order = payload_order(start.payload)
        symbols, n0, gains = to_payload(whole.symbols[behind:]), whole.n0[behind:][order], whole.gains[behind:][order]
        seen = self._see(origin, behind + start.payload, found, known, whole)
        seen = seen._replace(seq=start.seq, after=thinned(symbols, _SHOWN))
        self._found.append(Burst(start, fields, symbols, n0, gains, whole, origin, seen))
        return end

    def _see(self, origin: int, data: int, found: Detection, known: Acquisition, whole: Demodulated) -> Reception:
        """Return the record of a burst, without its number and its payload."""
        demodulator, step = self._demodulator, self._demodulator.preamble.samples_per_symbol / 2
        body, length = origin + demodulator.head, demodulator.length(data)
        cut = self._line.cut(body - demodulator.before, body + length + demodulator.tail, demodulator.needed(data))
        sight = demodulator.sight(cut, data, known)
        looked_at = min(_LOOKED_AT, length)
        middle = demodulator.before + (length - looked_at) // 2
        energy = float(np.mean(np.abs(sight.before) ** 2))
        return Reception(
            seq=0,
            start_s=origin,
            duration_s=demodulator.head + length,
            sample_rate_hz=1.0,
            band_hz=sight.band,
            esn0_db=whole.esn0_db,
            evm=float(np.sqrt(whole.n0.mean())),
            cfo_hz=whole.cfo / (2 * step),
            clock_ppm=whole.clock_ppm,
            statistic=found.statistic,
            threshold=self._detector.eta,
            detection_step_s=step,
            spectrum=power_spectrum(cut[middle : middle + looked_at]),
            response=sight.response,
            before=sight.before / np.sqrt(np.float32(max(energy, 1e-30))),
            after=sight.before[:0],
            phase=np.unwrap(np.angle(thinned(whole.gains, 128))),
            delay=thinned(whole.delays, 128).astype(np.float32),
            detection=found.around,
        )

    def _demodulate(self, body: int, data: int, known: Acquisition) -> Generator[int, None, Demodulated]:
        demodulator = self._demodulator
        stop = body + demodulator.length(data) + demodulator.tail
        yield stop
        first = body - demodulator.before
        return demodulator.demodulate(self._line.cut(first, stop, demodulator.needed(data)), data, known)

    def _fail(self, kind: Literal["false", "header", "truncated"], offset: int, seq: int | None, reason: str) -> None:
        self._found.append(Failure(kind, offset, seq, reason))
