"""`radio/resample`: rates, gaps and places."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Annotation, Envelope, Identity, Stream
from semcom.blocks.radio.resample import Resample
from semcom.errors import BlockError
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock
from semcom.flowgraphs.runtime.item import Item


def ran(rate_hz: float, *chunks: tuple[Stream, int]) -> list[Item]:
    """Resample chunks of ones to a rate; return what comes out."""
    made = RunningBlock(Resample(Resample.Params(sample_rate_hz=rate_hz)), 1)
    made.start()
    out = []
    for seq, (stream, count) in enumerate(chunks):
        item = Item(Envelope(identity=Identity(seq), stream=stream), np.ones(count, np.complex64))
        out += [emitted[0] for emitted in made.step({"samples": item})]
    out += [emitted[0] for emitted in made.finish(RunContext())]
    return [item for item in out if item is not None]


def test_the_rate_and_the_number_of_samples_follow_the_ratio():
    out = ran(1.5e6, (Stream(0, 1e6), 1000), (Stream(1000, 1e6), 1000))
    assert [item.envelope.stream.sample_rate_hz for item in out] == [1.5e6] * 3
    assert sum(item.value.size for item in out) == 3000
    ends = np.cumsum([item.value.size for item in out])
    assert [item.envelope.stream.offset for item in out] == [0, *ends[:-1]]


def test_behind_a_gap_samples_lie_where_they_should():
    out = ran(1.5e6, (Stream(0, 1e6), 1000), (Stream(5000, 1e6, 4000), 1000))
    behind = [item for item in out if item.envelope.stream.offset >= 7500]
    assert behind[0].envelope.stream.offset == 7500
    assert behind[0].envelope.stream.gap_samples >= 6000
    assert sum(item.value.size for item in behind) == 1500


def test_what_is_said_of_a_place_stays_there():
    out = ran(0.5e6, (Stream(0, 1e6, 0, (Annotation(600, "burst_start"),)), 1000))
    (note,) = [note for item in out for note in item.envelope.stream.annotations]
    assert note == Annotation(300, "burst_start")


def test_rates_without_a_simple_ratio_are_refused():
    with pytest.raises(BlockError, match="two whole numbers up to 4096, got 1000000 Hz to 314159"):
        ran(314159.26, (Stream(0, 1e6), 10))
