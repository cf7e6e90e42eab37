from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Annotation, Envelope, Identity, Out, SentFrame, Stream, Trace
from semcom.blocks.ports import Features, Samples, Symbols
from semcom.errors import BlockError, SignalError
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock
from semcom.flowgraphs.runtime.engine.stream_door import StreamDoor
from semcom.flowgraphs.runtime.graph import Edge
from semcom.flowgraphs.runtime.item import Item


class Same(Block):
    def work(self, samples: Samples) -> Samples:
        return samples


class HalfRate(Block):
    def work(self, samples: Samples, stream: Stream) -> Out[Samples]:
        return Out(samples[::2], sample_rate_hz=stream.sample_rate_hz / 2)


class Radio(Block):
    """A source that overflows: five samples are lost before the third chunk."""

    def work(self) -> Iterator[Out[Samples]]:
        chunk = np.zeros(4, np.complex64)
        yield Out(chunk, sample_rate_hz=1e6)
        yield Out(chunk, sample_rate_hz=1e6, annotations=(Annotation(2, "tag", "x"),))
        yield Out(chunk, sample_rate_hz=1e6, offset=13)


class Back(Block):
    def work(self) -> Iterator[Out[Samples]]:
        yield Out(np.zeros(4, np.complex64))
        yield Out(np.zeros(4, np.complex64), offset=3)


class Modulates(Block):
    def work(self, features: Features, stream: Stream) -> Out[Samples] | None:
        self.at = stream.offset
        return Out(np.zeros(8, np.complex64), trace={"power": 2.0}) if features.size else None


class Finds(Block):
    number = 0

    def work(self, samples: Samples) -> Out[Features]:
        return Out(np.zeros(1, np.float32), identity=Identity(self.number), trace={"found": 1.0}, label=None)


class Either(Block):
    def work(self, symbols: Symbols | Samples, stream: Stream | None) -> Symbols | Samples:
        self.on_stream = stream is not None
        return symbols


def chunk(size: int, offset: int = 0, rate_hz: float = 1e6, *notes: Annotation, sent: Any = ()) -> dict[str, Item]:
    envelope = Envelope(stream=Stream(offset, rate_hz, 0, notes), sent=tuple(sent))
    return {"samples": Item(envelope, np.zeros(size, np.complex64))}


def test_a_source_states_a_gap_and_it_travels():
    places = [item.envelope.stream for (item,) in RunningBlock(Radio(), 1).produce()]
    assert [(place.offset, place.gap_samples) for place in places] == [(0, 0), (4, 0), (13, 5)]
    assert places[1].annotations == (Annotation(6, "tag", "x"),)
    behind = RunningBlock(HalfRate(), 1)
    passed = [
        out.envelope.stream for place in places for (out,) in behind.step(chunk(4, *place[:2], *place.annotations))
    ]
    assert [(place.offset, place.gap_samples) for place in passed] == [(0, 0), (2, 0), (6, 2)]  # 5 / 2, to the nearest
    assert passed[1].annotations == (Annotation(3, "tag", "x"),)


def test_a_source_may_not_send_samples_twice():
    produced = RunningBlock(Back(name="radio"), 1).produce()
    next(produced)
    with pytest.raises(BlockError, match=r"'radio'.*expected an offset of 4 samples or more, got 3: these were sent"):
        next(produced)


def test_what_an_edge_dropped_is_a_gap_to_the_block_behind_it():
    seen = []

    class Looks(Block):
        def work(self, samples: Samples, stream: Stream) -> None:
            seen.append((stream.offset, stream.gap_samples))

    block = RunningBlock(Looks(), 1)
    for offset in (0, 4, 12):
        list(block.step(chunk(4, offset)))
    assert seen == [(0, 0), (4, 0), (12, 4)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.sets(st.integers(0, 99), max_size=6))
def test_annotations_keep_their_sample_however_the_stream_is_cut(sizes, offsets):
    block, notes, found, start = RunningBlock(Same(), 1), sorted(offsets), [], 0
    for size in sizes:
        here = [Annotation(at, "burst_start", at) for at in notes if start <= at < start + size]
        for (item,) in block.step(chunk(size, start, 1e6, *here)):
            place = item.envelope.stream
            assert all(place.offset <= note.offset < place.offset + size for note in place.annotations)
            found += place.annotations
        start += size
    assert [note.offset for note in found] == [note.value for note in found] == [at for at in notes if at < start]


def test_at_another_sample_rate_an_annotation_has_its_place_and_its_length_there():
    block = RunningBlock(HalfRate(), 1)
    ((item,),) = block.step(chunk(20, 0, 1e6, Annotation(4, "burst_start", 0, 12)))
    assert item.envelope.stream.annotations == (Annotation(2, "burst_start", 0, 6),)


def test_an_item_that_becomes_samples_leaves_its_trace_beside_them():
    block = RunningBlock(Modulates(), 1)
    items = []
    for seq, size in ((0, 1), (1, 0), (2, 1)):
        envelope = Envelope(identity=Identity(seq), trace=Trace(label=f"picture {seq}", born_s=7.0))
        items += [out for (out,) in block.step({"features": Item(envelope, np.zeros(size, np.float32))}) if out]
    assert block.block.at == 8
    assert [[(frame.offset, frame.seq, frame.trace.label) for frame in item.envelope.sent] for item in items] == [
        [(0, 0, "picture 0")],
        [(8, 1, "picture 1"), (8, 2, "picture 2")],  # what was held back begins where samples come out
    ]
    assert items[0].envelope.sent[0].trace.values == {"power": 2.0}
    assert items[0].envelope.trace.label == ""  # of chunks there is no truth: they may be cut anywhere


def test_who_finds_a_frame_and_reads_its_number_has_its_trace_back():
    block = RunningBlock(Finds(), 1)
    sent = [SentFrame(0, 3, 0, Trace(label="cat", born_s=5.0, values={"power": 2.0}))]
    ((nothing,),) = [*block.step(chunk(4, 0, sent=sent))]
    assert nothing.envelope.identity.seq == 0
    assert nothing.envelope.trace.label == ""
    block.block.number = 3
    ((found,),) = [*block.step(chunk(4, 4))]
    assert found.envelope.identity == Identity(3)
    assert found.envelope.trace == Trace(label="cat", born_s=5.0, values={"power": 2.0, "found": 1.0})
    assert found.envelope.stream is None
    assert found.envelope.sent == ()


def test_a_frame_that_comes_twice_or_late_is_counted_and_goes_no_further():
    block = RunningBlock(Finds(), 1)
    came = []
    for at, number in enumerate((0, 2, 2, 1, 1, 3)):
        block.block.number = number
        came += [out.envelope.identity.seq for (out,) in block.step(chunk(1, at)) if out]
    assert came == [0, 2, 3]
    assert (block.door.doubled, block.door.late) == (2, 1)


@pytest.mark.parametrize("identity", [Identity(-1), Identity(1 << 63), Identity(1, 1), Identity(1, 0, False)], ids=str)
def test_what_is_no_number_of_a_frame_is_refused(identity):
    with pytest.raises(
        SignalError, match=r"expected the number of a whole frame, 0 or above, below 2\*\*63, got Identity\("
    ):
        StreamDoor().find(identity)


def test_what_is_kept_for_frames_that_nobody_finds_is_bounded():
    door = StreamDoor()
    for seq in range(10_000):
        door.arrive(Envelope(stream=Stream(seq), sent=(SentFrame(seq, seq, 0, Trace(label=str(seq))),)), 1)
    assert door.find(Identity(9_999)).label == "9999"
    assert door.find(Identity(10_000)) == Trace()


@pytest.mark.parametrize("kind", ["Symbols", "Samples"])
def test_a_port_of_two_types_is_what_is_connected(kind):
    edges = [
        Edge(0, "a", "out", "block", "symbols", kind),
        Edge(1, "block", "out", "b", "in", kind),
    ]
    block = RunningBlock(Either(name="block"), 1, edges)
    envelope = Envelope(identity=Identity(4), stream=Stream(8, 2e6) if kind == "Samples" else None)
    ((out,),) = [*block.step({"symbols": Item(envelope, np.zeros(3, np.complex64))})]
    assert block.block.on_stream == (kind == "Samples")
    assert out.envelope.stream == (Stream(8, 2e6, 8) if kind == "Samples" else None)
    assert out.envelope.identity == Identity(0 if kind == "Samples" else 4)


def test_finish_lets_annotations_out_with_the_last_samples():
    class Delays(Block):
        def work(self, samples: Samples) -> Samples | None:
            self.kept = samples
            return None

        def finish(self, run: RunContext) -> Iterator[Samples]:
            yield self.kept

    block = RunningBlock(Delays(), 1)
    list(block.step(chunk(4, 0, 1e6, Annotation(1, "tag"), sent=[SentFrame(2, 5, 0, Trace())])))
    ((out,),) = [*block.finish(RunContext())]
    assert out.envelope.stream.annotations == (Annotation(1, "tag"),)
    assert out.envelope.sent == (SentFrame(2, 5, 0, Trace()),)
