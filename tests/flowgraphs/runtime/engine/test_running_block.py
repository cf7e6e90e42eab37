from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np
import pytest
from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Envelope, Header, Identity, Out, State, Stream, Trace
from semcom.blocks.ports import Features, Samples, Symbols
from semcom.errors import BlockError
from semcom.flowgraphs.runtime.engine.running_block import NOTHING_YET, RunningBlock, merge_envelopes
from semcom.flowgraphs.runtime.item import Item
from semcom.sim.side_information.codes import Whole
from semcom.sim.side_information.field import HeaderField


class Rate(HeaderField, frozen=True):
    rate: Annotated[int, Whole(8)]


class Writes(Block):
    def work(self, features: Features) -> Out[Symbols]:
        symbols = np.zeros(3, np.complex64)
        return Out(symbols, header=Rate(5), state=State(n0=0.5), trace={"energy": 1.0}, label="x")


class Reads(Block):
    def work(self, symbols: Symbols, header: Header, state: State, trace: Trace, identity: Identity) -> None:
        self.seen = header.read(Rate).rate, state.n0, trace.values, trace.label, identity.seq


class Splits(Block):
    def work(self, features: Features) -> Iterator[Features]:
        for value in features:
            yield np.array([value], np.float32)


class Two(NamedTuple):
    low: Features
    high: Features


class Forks(Block):
    def work(self, features: Features) -> Two:
        return Two(features, features + 1)


class Wrong(Block):
    def work(self, features: Features) -> Features:
        return features.astype(np.float64)


class Chops(Block):
    def work(self, samples: Samples) -> Iterator[Samples]:
        yield samples[:1]
        yield samples[1:]


def item(seq=0, size=3, envelope=None):
    return Item(envelope or Envelope(identity=Identity(seq)), np.arange(size, dtype=np.float32))


def test_what_a_block_writes_arrives_at_the_block_that_asks():
    ((out,),) = RunningBlock(Writes(), 1).step({"features": item(3)})
    reads = Reads()
    assert list(RunningBlock(reads, 1).step({"symbols": out})) == []
    assert reads.seen == (5, 0.5, {"energy": 1.0}, "x", 3)
    assert out.envelope.header.bits == 8


def test_what_a_block_returns_is_read_only():
    ((out,),) = RunningBlock(Writes(), 1).step({"features": item()})
    with pytest.raises(ValueError, match="read-only"):
        out.value[0] = 1


def test_several_outputs_of_one_item_are_its_parts():
    emitted = [out for (out,) in RunningBlock(Splits(), 1).step({"features": item(7, 3)})]
    assert [out.envelope.identity for out in emitted] == [(7, 0, False), (7, 1, False), (7, 2, True)]


def test_parts_that_are_split_again_are_numbered_through():
    stage = RunningBlock(Splits(), 1)
    parts = [
        out.envelope.identity
        for part in (Identity(7, 0, False), Identity(7, 1, True))
        for (out,) in stage.step({"features": item(size=2, envelope=Envelope(identity=part))})
    ]
    assert parts == [(7, 0, False), (7, 1, False), (7, 2, False), (7, 3, True)]


def test_named_outputs_come_in_the_order_of_the_ports():
    ((low, high),) = RunningBlock(Forks(), 1).step({"features": item()})
    assert (low.value[0], high.value[0]) == (0, 1)


def test_a_wrong_array_names_block_port_and_item():
    with pytest.raises(BlockError) as caught:
        list(RunningBlock(Wrong(name="w"), 1).step({"features": item(4)}))
    assert str(caught.value).startswith(
        "block 'w' at item 4: output 'out': expected Features (float32 [...]), got float64 [3]"
    )


def test_an_error_names_file_and_line_of_the_block():
    class Fails(Block):
        def work(self, features: Features) -> Features:
            return features / np.frombuffer(b"", np.float32)[0]

    with pytest.raises(BlockError) as caught:
        list(RunningBlock(Fails(name="f"), 1).step({"features": item(9)}))
    assert "block 'f' at item 9: IndexError" in str(caught.value)
    assert f"{__file__}:" in str(caught.value)


def test_chunks_of_a_stream_carry_their_offset_and_keep_the_rate():
    stage = RunningBlock(Chops(), 1)
    envelope = Envelope(stream=Stream(0, 2e6))
    samples = np.zeros(4, np.complex64)
    streams = [out.envelope.stream[:2] for _ in range(2) for (out,) in stage.step({"samples": Item(envelope, samples)})]
    assert streams == [(0, 2e6), (1, 2e6), (4, 2e6), (5, 2e6)]


def test_a_source_numbers_its_items_and_says_when_they_were_born():
    class Source(Block):
        def work(self) -> Iterator[Features]:
            yield np.zeros(1, np.float32)
            yield np.zeros(1, np.float32)

    envelopes = [out.envelope for (out,) in RunningBlock(Source(), 1).produce()]
    assert [envelope.identity.seq for envelope in envelopes] == [0, 1]
    assert envelopes[0].trace.born_s > 1e9


def test_headers_that_disagree_are_an_error_of_the_block_where_they_meet():
    one = Envelope(header=Header().with_fields(Rate(1)))
    other = Envelope(header=Header().with_fields(Rate(2)))
    with pytest.raises(Exception, match="two inputs disagree on Rate"):
        merge_envelopes([one, other])


def test_merging_lays_states_and_traces_over_each_other():
    merged = merge_envelopes(
        [
            Envelope(state=State(n0=1.0), trace=Trace(label="a", born_s=5.0)),
            Envelope(state=State(esn0_db=3.0), trace=Trace(born_s=4.0, values={"x": 1.0})),
        ]
    )
    assert (merged.state.n0, merged.state.esn0_db) == (1.0, 3.0)
    assert (merged.trace.label, merged.trace.born_s, merged.trace.values) == ("a", 4.0, {"x": 1.0})


def test_a_block_may_not_claim_an_item_that_it_does_not_hold():
    class Claims(Block):
        def work(self, features: Features) -> Out[Features]:
            return Out(features, identity=Identity(99))

    with pytest.raises(BlockError, match="identity 99, an item it does not hold back"):
        list(RunningBlock(Claims(), 1).step({"features": item()}))


def test_the_same_item_draws_the_same_numbers_whatever_came_before():
    block, fresh = Block(name="b", seed=1), Block(name="b", seed=1)
    block.rng(Identity(0)).standard_normal(100)
    assert block.rng(Identity(5)).integers(1 << 30) == fresh.rng(Identity(5)).integers(1 << 30)
    assert Block(name="c", seed=1).rng(Identity(5)).integers(1 << 30) != fresh.rng(Identity(5)).integers(1 << 30)


def test_finish_gets_the_context():
    class Ends(Block):
        def work(self, features: Features) -> Features | None:
            return None

        def finish(self, run: RunContext):
            yield np.full(1, run.seed, np.float32)

    ((out,),) = RunningBlock(Ends(), 1).finish(RunContext(seed=3))
    assert out.value[0] == 3


class Pair(NamedTuple):
    left: Samples
    right: Samples


class Receiver(Block):
    def work(self, samples: Samples) -> Two:
        return Two(np.zeros(1, np.float32), np.ones(1, np.float32))


def test_every_stream_of_a_block_has_its_own_offsets():
    class Antennas(Block):
        def work(self, samples: Samples) -> Pair:
            return Pair(samples[:2], samples)

    stage = RunningBlock(Antennas(), 1)
    chunk = Item(Envelope(stream=Stream(0, 1.0)), np.zeros(3, np.complex64))
    emitted = [pair for _ in range(2) for pair in stage.step({"samples": chunk})]
    assert [(left.envelope.stream.offset, right.envelope.stream.offset) for left, right in emitted] == [(0, 0), (2, 3)]


def test_frames_found_together_in_a_stream_have_one_number():
    stage = RunningBlock(Receiver(), 1)
    chunk = Item(Envelope(stream=Stream(0, 1.0)), np.zeros(3, np.complex64))
    emitted = [pair for _ in range(3) for pair in stage.step({"samples": chunk})]
    assert [tuple(out.envelope.identity.seq for out in pair) for pair in emitted] == [(0, 0), (1, 1), (2, 2)]


def test_what_is_flushed_keeps_the_envelope_of_its_item():
    class Holds(Block):
        def start(self):
            self.held = []

        def work(self, features: Features, identity: Identity) -> Features | None:
            self.held.append((identity, features))

        def finish(self, run: RunContext):
            for identity, features in self.held:
                yield Out(features, identity=identity)

    stage = RunningBlock(Holds(), 1)
    stage.start()
    for seq in range(3):
        envelope = Envelope(identity=Identity(seq), trace=Trace(label=f"picture {seq}"))
        assert list(stage.step({"features": item(envelope=envelope)})) == []
    flushed = [out.envelope for (out,) in stage.finish(RunContext())]
    assert [(envelope.identity, envelope.trace.label) for envelope in flushed] == [
        (Identity(seq), f"picture {seq}") for seq in range(3)
    ]


def test_a_block_that_drains_keeps_no_envelopes():
    reads, splits = RunningBlock(Reads(), 1), RunningBlock(Splits(), 1)
    header = Header().with_fields(Rate(5))
    for seq in range(5):
        envelope = Envelope(identity=Identity(seq), header=header)
        assert list(reads.step({"symbols": Item(envelope, np.zeros(1, np.complex64))})) == []
        assert len(list(splits.step({"features": item(seq)}))) == 3
    assert len(reads._held) == len(splits._held) == 0


def test_an_iterator_that_yields_none_is_an_error_and_not_its_end():
    class Pauses(Block):
        def work(self, features: Features) -> Iterator[Features]:
            yield np.zeros(1, np.float32)
            yield None

    with pytest.raises(BlockError) as caught:
        list(RunningBlock(Pauses(name="p"), 1).step({"features": item(1)}))
    assert str(caught.value).startswith("block 'p' at item 1: expected out: Features (float32 [...]), got NoneType (")


def test_a_source_that_waits_yields_none_and_numbers_its_items_without_holes():
    class Waits(Block):
        def work(self) -> Iterator[Features | None]:
            for pause in (True, False, True, True, False):
                yield None if pause else np.zeros(1, np.float32)

    emitted = list(RunningBlock(Waits(), 1).produce())
    assert [one is NOTHING_YET for one in emitted] == [True, False, True, True, False]
    assert [one[0].envelope.identity.seq for one in emitted if one] == [0, 1]


@pytest.mark.parametrize("value", [np.zeros((2, 1), np.float32), (np.zeros(1, np.float32),)])
def test_several_outputs_that_are_no_named_tuple_are_an_error(value):
    class Odd(Block):
        def work(self, features: Features) -> Two:
            return value

    with pytest.raises(BlockError) as caught:
        list(RunningBlock(Odd(name="o"), 1).step({"features": item(2)}))
    assert str(caught.value).startswith(
        "block 'o' at item 2: expected a NamedTuple (low: Features (float32 [...]), "
        "high: Features (float32 [...])), got "
    )


def test_only_a_sink_that_began_and_was_not_finished_finishes_early():
    class Sink(Block):
        ends = ()

        def work(self, features: Features) -> None: ...

        def finish(self, run: RunContext):
            self.ends += (run.complete,)

    stage = RunningBlock(Sink(), 1)
    stage.finish_early(RunContext())
    assert stage.block.ends == ()
    stage.start()
    stage.finish_early(RunContext())
    stage.finish_early(RunContext())
    assert stage.block.ends == (False,)
    stage.replace_block(Sink())
    list(stage.finish(RunContext()))
    stage.finish_early(RunContext())
    assert stage.block.ends == (True,)
    source = RunningBlock(Forks(), 1)
    source.start()
    source.finish_early(RunContext())


def test_what_a_block_flushes_before_another_goes_on_is_part_of_the_last_item():
    class Flushes(Block):
        def work(self, features: Features) -> Features:
            return features

        def finish(self, run: RunContext):
            yield np.zeros(1, np.float32)

    stage = RunningBlock(Flushes(), 1)
    list(stage.step({"features": item(6)}))
    ((out,),) = stage.finish(RunContext(), going_on=True)
    assert out.envelope.identity == (6, 1, True)
    ((out,),) = stage.finish(RunContext())
    assert out.envelope.identity == (7, 0, True)


def test_a_source_may_number_its_items_upward():
    class Numbered(Block):
        def work(self) -> Iterator[Out[Features]]:
            for identity in (None, Identity(5), None, Identity(6)):
                yield Out(np.zeros(1, np.float32), identity=identity)

    produced = RunningBlock(Numbered(), 1).produce()
    assert [next(produced)[0].envelope.identity for _ in range(3)] == [(0, 0, True), (5, 0, True), (6, 0, True)]
    with pytest.raises(BlockError, match="expected an item of number 7 or above"):
        next(produced)


class Imports(Block):
    """Stands for a block whose `start` imports a package that others import too."""

    at_once = 0
    most = 0

    def start(self) -> None:
        Imports.at_once += 1
        Imports.most = max(Imports.most, Imports.at_once)
        time.sleep(0.02)
        Imports.at_once -= 1

    def work(self, features: Features) -> Features:
        return features


def test_blocks_in_several_threads_start_one_at_a_time_so_that_their_imports_do_not_cross():
    stages = [RunningBlock(Imports(Imports.Params(), name=f"b{n}", seed=1), 1) for n in range(4)]
    threads = [threading.Thread(target=stage.start) for stage in stages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Imports.most == 1
