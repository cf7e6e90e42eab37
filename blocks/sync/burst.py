"""`sync/burst`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from ...sim.side_information.model_id import ModelId
from ...sim.side_information.packed_header import SENT_FIELDS
from ...sim.waveform.receive import Burst as Received
from ...sim.waveform.receive import BurstReceiver, Failure
from .._waveform.single_carrier import SingleCarrierParams
from ..block import Block, RunContext
from ..envelope import Identity, Out, State, Stream
from ..ports import Samples, Symbols

__all__ = ["Burst"]

_LARGEST_JUMP = 100_000  # numbers between two bursts that are counted one by one


class Burst(Block):
    r"""Finds the bursts of ``framing/burst`` in an endless stream, and gives out their frames.

    .. math:: T_u[k] = \frac{\left|\sum_n z_u^*[n]\, y[k + 2 n]\right|^2}{N \sum_n |y[k + 2 n]|^2} > \eta, \quad
        P_\mathrm{fa} = (1 - \eta)^{N - 1}

    A preamble is found where both its sequences exceed the threshold; they tell time and carrier offset apart, up to
    2 % of the symbol rate. It tells offset, impulse response (4 symbols early to 8 late) and noise. Then an equaliser
    in the frequency domain (``mmse``; ``one_tap``: a matched filter and one gain), which follows the clock through the
    burst by the two edges of the band; then phase and amplitude by pilots, in a loop of second order. What comes
    out does not depend on how the stream is cut.

    In ``run.json`` are counted: ``bursts``; ``false_bursts``, preambles of hardly any energy; ``header_failures``,
    start word or header received with errors, or of another kind; ``truncated_bursts``; ``other_models``, where
    ``model`` is given; ``lost_bursts``, by the numbers that are missing between those that came; ``gain_steps``, sudden
    changes of the gain inside of a burst, as an AGC makes them; ``bad_samples``, which were not finite and are taken
    for zeros. Those that have a number are named.

    Input:   samples: complex64 ``[n]``, a chunk of a stream at ``samples_per_symbol``.
    Output:  complex64 ``[n]``, the payload, equalised without bias, by the number that its burst says; header: all that
             was sent, of ImageShape, ModelId, JsccMode, CdmMode, RateMap, ScSicMode, PowerScale, ConstellationFrame,
             CodedImage, LinkScheme, QamFrame, TransportBlock, FeatureShape, FeatureCode, FullScale, LatentMode;
             receiver state: n0 and h of each symbol, esn0_db, pilots; trace: cfo_hz, clock_ppm, gain_step_db.
    State:   the samples of the burst that is being received.
    Source:  the statistic: Kay, Fundamentals of Statistical Signal Processing: Detection Theory, section 9.5; timing:
             Godard, IEEE Trans. Commun. 26(5), 1978.
    Example: ``sync: {use: sync/burst, samples_per_symbol: 4}``
    """

    class Params(SingleCarrierParams):
        """Parameters."""

        false_alarm_rate: float = Field(
            1e-9, gt=0, lt=0.5, description="Of the detector, per position of two a symbol, in white noise."
        )
        equalizer: Literal["mmse", "one_tap"] = Field("mmse", description="Of the channel's impulse response.")
        model: int | None = Field(
            None, ge=0, le=255, description="Number in ModelId of the bursts that are given out; null: all of them."
        )
        longest: int = Field(1 << 20, ge=1, le=1 << 24, description="Symbols of the longest payload that is believed.")

    params: Params
    may_write_header = SENT_FIELDS

    def start(self) -> None:
        """Make the receiver."""
        p = self.params
        self._receiver = BurstReceiver(
            p.waveform, false_alarm_rate=p.false_alarm_rate, equalizer=p.equalizer, longest=p.longest
        )
        self._highest, self._bad, self._rate_hz = -1, 0, 1.0

    def work(self, samples: Samples, stream: Stream) -> Iterator[Out[Symbols]]:
        """Take a chunk; give out the frames that it completes."""
        self._rate_hz = stream.sample_rate_hz / self.params.samples_per_symbol
        yield from self._told(self._receiver.push(samples, stream.gap_samples))

    def finish(self, run: RunContext) -> Iterator[Out[Symbols]]:
        """Give out what the end of the stream completes."""
        return self._told(self._receiver.flush())

    def _told(self, found: Iterable[Received | Failure]) -> Iterator[Out[Symbols]]:
        for one in found:
            if isinstance(one, Failure):
                self._count_failure(one)
            elif self._is_ours(one):
                yield self._out(one)
        self.count(bad_samples=self._receiver.bad_samples - self._bad)
        self._bad = self._receiver.bad_samples

    def _count_failure(self, failure: Failure) -> None:
        kind = {"false": "false_bursts", "header": "header_failures", "truncated": "truncated_bursts"}[failure.kind]
        if failure.seq is None:
            self.count(**{kind: 1})
        else:
            self.count_items(**{kind: failure.seq})

    def _is_ours(self, burst: Received) -> bool:
        """Whether a burst is of the model that is asked for; another one's is counted."""
        if self.params.model is None:
            return True
        ours = any(isinstance(field, ModelId) and field.number == self.params.model for field in burst.fields)
        if not ours:
            self.count_items(other_models=burst.start.seq)
        return ours

    def _out(self, burst: Received) -> Out[Symbols]:
        seq, known = burst.start.seq, burst.known
        self.count(bursts=1)
        for missing in range(self._highest + 1, min(seq, self._highest + 1 + _LARGEST_JUMP)):
            self.count_items(lost_bursts=missing)
        self._highest = max(self._highest, seq)
        if known.gain_step_db:
            self.count_items(gain_steps=seq)
        return Out(
            burst.symbols,
            header=burst.fields,
            state=State(n0=burst.n0, h=burst.gains, esn0_db=known.esn0_db, csi="pilots"),
            identity=Identity(seq),
            trace={
                "cfo_hz": known.cfo * self._rate_hz,
                "clock_ppm": known.clock_ppm,
                "gain_step_db": known.gain_step_db,
            },
        )
