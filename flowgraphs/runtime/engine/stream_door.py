"""Where samples lie: offsets of the streams of one block, gaps, annotations, and the truth of the frames in them.

A block with `Samples` sees chunks, cut anywhere. What belongs to a place in the stream and not to a chunk is carried
past it here: a gap in what comes in is a gap in what goes out, an annotation keeps its place and its length (times the
ratio of the sample rates), and the trace of an item that became samples waits for whoever finds the frame and reads its
number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from ....blocks.envelope import Annotation, Envelope, Identity, Out, SentFrame, Stream, Trace
from ....errors import SignalError

__all__ = ["NOTHING_SAID", "StreamDoor"]

NOTHING_SAID = Out[Any](None)
"""What stands for a block that returned a plain value."""

KEPT_AT_MOST = 4096  # traces of frames that nobody has found yet, and annotations that wait for their sample

Placed = TypeVar("Placed", Annotation, SentFrame)


class StreamDoor:
    """The streams that come into a block and go out of it.

    Attributes:
        doubled: Frames that were found twice.
        late: Frames that were found after a later one: a join has counted them as missing.
    """

    def __init__(self) -> None:
        self.doubled = self.late = 0
        self._expected = 0  # offset of the next sample that comes in
        self._arrived: Stream | None = None
        self._out: dict[str, _Outgoing] = {}
        self._to_send: dict[tuple[int, int], Trace] = {}  # items that have not become samples yet
        self._sent: dict[tuple[int, int], Trace] = {}  # frames in the stream, not found yet
        self._found: dict[int, None] = {}  # numbers of the last frames, in the order of finding
        self._highest = -1

    def open(self, ports: Iterable[str]) -> None:
        """Name the outputs that give samples; those that are open already go on."""
        for port in ports:
            self._out.setdefault(port, _Outgoing())

    def arrive(self, envelope: Envelope, samples: int) -> Stream:
        """Take note of a chunk that comes in; return its stream with the gap before it."""
        stream = envelope.stream or Stream()
        offset, _, lost, notes = stream
        if offset == self._expected and not (lost or notes or envelope.sent):  # nearly every chunk
            self._expected, self._arrived = offset + samples, stream
            return stream
        gap = max(0, offset - self._expected)
        if gap != stream.gap_samples:
            stream = stream._replace(gap_samples=gap)
        self._expected = stream.offset + samples
        self._arrived = stream
        for frame in envelope.sent:
            self._sent[frame.seq, frame.part] = frame.trace
        while len(self._sent) > KEPT_AT_MOST:
            del self._sent[next(iter(self._sent))]
        if gap or stream.annotations or envelope.sent:
            for out in self._out.values():
                out.pass_on(gap, stream, envelope.sent)
        return stream

    def send(self, identity: Identity, trace: Trace) -> None:
        """Keep the trace of an item that is about to become samples."""
        self._to_send[identity.seq, identity.part] = trace

    def amend(self, identity: Identity, trace: Trace) -> None:
        """Take the trace that a block wrote, if the item's first sample has not gone out."""
        if (identity.seq, identity.part) in self._to_send:
            self.send(identity, trace)

    def leave(
        self, port: str, samples: int, said: Out[Any], default_rate_hz: float
    ) -> tuple[Stream, tuple[SentFrame, ...]]:
        """Place a chunk that goes out of an output.

        Args:
            port: The output.
            samples: Of the chunk.
            said: By the block: sample rate, offset, annotations.
            default_rate_hz: Where neither it nor what came in says a rate.

        Returns:
            Its stream, and the frames that begin in it.

        Raises:
            SignalError: the offset lies in what was sent already.
        """
        arrived, out = self._arrived, self._out[port]
        if said is NOTHING_SAID and not (out.placed or self._to_send):  # nearly every chunk
            rate = arrived.sample_rate_hz if arrived else default_rate_hz
            start, out.next = out.next, out.next + samples
            return tuple.__new__(Stream, (start, rate, 0, ())), ()
        rate = said.sample_rate_hz or (arrived.sample_rate_hz if arrived else default_rate_hz)
        ratio = rate / arrived.sample_rate_hz if arrived else 1.0
        start = out.next + round(out.gap * ratio)
        if said.offset is not None and said.offset < start:
            raise SignalError(
                f"expected an offset of {start} samples or more, got {said.offset}: these were sent already"
            )
        start = start if said.offset is None else said.offset
        stream = Stream(start, rate, start - out.next)
        out.gap, out.next = 0, start + samples
        frames: tuple[SentFrame, ...] = ()
        if out.annotations:
            due = _due(out.annotations, out.next, start, ratio)
            stream = stream._replace(annotations=tuple(n._replace(length=round(n.length * ratio)) for n in due))
        if said.annotations:
            own = [note._replace(offset=start + note.offset) for note in said.annotations]
            stream = stream._replace(annotations=tuple(sorted((*stream.annotations, *own), key=_offset)))
        if out.frames:
            frames = _due(out.frames, out.next, start, ratio)
        if self._to_send:
            frames += tuple(SentFrame(start, seq, part, trace) for (seq, part), trace in self._to_send.items())
            self._to_send.clear()
        return stream, frames

    @property
    def next_offset(self) -> int:
        """Number of the sample that goes out next."""
        return max((out.next for out in self._out.values()), default=0)

    def find(self, identity: Identity) -> Trace | None:
        """Return the trace of a frame that a block found and read the number of; None for a double or a late one.

        Raises:
            SignalError: it is no number of a frame.
        """
        if not 0 <= identity.seq < 1 << 63 or identity != Identity(identity.seq):
            raise SignalError(f"expected the number of a whole frame, 0 or above, below 2**63, got {identity}")
        if identity.seq <= self._highest:
            if identity.seq in self._found:
                self.doubled += 1
            else:
                self.late += 1
                self._found[identity.seq] = None
            return None
        self._highest = identity.seq
        self._found[identity.seq] = None
        if len(self._found) > KEPT_AT_MOST:
            del self._found[next(iter(self._found))]
        return self._sent.pop((identity.seq, 0), Trace())


class _Outgoing:
    """One output: the next sample's number, and what comes in and has to be placed in it."""

    @property
    def placed(self) -> bool:
        """Whether something has to be."""
        return bool(self.gap or self.annotations or self.frames)

    def __init__(self) -> None:
        self.next = self.gap = 0
        self.annotations: list[Annotation] = []
        self.frames: list[SentFrame] = []

    def pass_on(self, gap: int, stream: Stream, frames: Iterable[SentFrame]) -> None:
        self.gap += gap
        self.annotations += stream.annotations
        self.frames += frames
        del self.annotations[:-KEPT_AT_MOST], self.frames[:-KEPT_AT_MOST]


def _due(waiting: list[Placed], end: int, start: int, ratio: float) -> tuple[Placed, ...]:
    """Take what lies below ``end`` off the list, at its place in the stream that goes out, but not before ``start``."""
    due = []
    while waiting and round(waiting[0].offset * ratio) < end:
        placed = waiting.pop(0)
        due.append(placed._replace(offset=max(start, round(placed.offset * ratio))))
    return tuple(due)


def _offset(placed: Annotation | SentFrame) -> int:
    return placed.offset
