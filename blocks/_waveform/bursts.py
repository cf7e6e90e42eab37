"""What all receivers of bursts give out and count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from ...sim.side_information.model_id import ModelId
from ...sim.waveform.receive import BodyDemodulator, Burst, BurstReceiver, Failure
from ..block import Block
from ..envelope import Identity, Out, State, Stream
from ..params import BlockParams
from ..ports import Samples, Symbols

__all__ = ["BurstStream", "ReceptionParams"]

_LARGEST_JUMP = 100_000  # numbers between two bursts that are counted one by one


class ReceptionParams(BlockParams):
    """Parameters of receivers."""

    false_alarm_rate: float = Field(
        1e-9, gt=0, lt=0.5, description="Of the detector, per position of two a symbol of the preamble, in white noise."
    )
    model: int | None = Field(
        None, ge=0, le=255, description="Number in ModelId of the bursts that are given out; null: all of them."
    )
    longest: int = Field(1 << 20, ge=1, le=1 << 24, description="Symbols of the longest payload that is believed.")


class BurstStream:
    """The bursts in a stream: their frames, and in a block's record what became of them.

    Args:
        block: Counts here.
        params: Of the receiver.
        demodulator: Of the waveform.
    """

    def __init__(self, block: Block, params: ReceptionParams, demodulator: BodyDemodulator) -> None:
        self._block, self._model = block, params.model
        self._receiver = BurstReceiver(demodulator, false_alarm_rate=params.false_alarm_rate, longest=params.longest)
        self._highest, self._bad, self._failures, self._rate_hz = -1, 0, 0, 1.0

    def push(self, samples: Samples, stream: Stream) -> Iterator[Out[Symbols]]:
        """Take a chunk; give out the frames that it completes."""
        self._rate_hz = stream.sample_rate_hz
        yield from self._told(self._receiver.push(samples, stream.gap_samples))

    def flush(self) -> Iterator[Out[Symbols]]:
        """Give out what the end of the stream completes."""
        return self._told(self._receiver.flush())

    def _told(self, found: Iterable[Burst | Failure]) -> Iterator[Out[Symbols]]:
        for one in found:
            if isinstance(one, Failure):
                self._count_failure(one)
            elif self._is_ours(one):
                yield self._out(one)
        self._block.count(bad_samples=self._receiver.bad_samples - self._bad)
        self._bad = self._receiver.bad_samples

    def _count_failure(self, failure: Failure) -> None:
        self._failures += 1
        kind = {"false": "false_bursts", "header": "header_failures", "truncated": "truncated_bursts"}[failure.kind]
        if failure.seq is None:
            self._block.count(**{kind: 1})
        else:
            self._block.count_items(**{kind: failure.seq})

    def _is_ours(self, burst: Burst) -> bool:
        """Whether a burst is of the model that is asked for; another one's is counted."""
        if self._model is None:
            return True
        ours = any(isinstance(field, ModelId) and field.number == self._model for field in burst.fields)
        if not ours:
            self._block.count_items(other_models=burst.start.seq)
        return ours

    def _out(self, burst: Burst) -> Out[Symbols]:
        seq, known = burst.start.seq, burst.known
        self._block.count(bursts=1)
        for missing in range(self._highest + 1, min(seq, self._highest + 1 + _LARGEST_JUMP)):
            self._block.count_items(lost_bursts=missing)
        self._highest = max(self._highest, seq)
        if known.gain_step_db:
            self._block.count_items(gain_steps=seq)
        lost = self._block.counted.get("lost_bursts", 0)
        seen = burst.reception.at(self._rate_hz, failures=self._failures, lost=lost)
        return Out(
            burst.symbols,
            header=burst.fields,
            state=State(n0=burst.n0, h=burst.gains, esn0_db=known.esn0_db, csi="pilots", reception=seen),
            identity=Identity(seq),
            trace={
                "cfo_hz": seen.cfo_hz,
                "clock_ppm": known.clock_ppm,
                "gain_step_db": known.gain_step_db,
            },
        )
