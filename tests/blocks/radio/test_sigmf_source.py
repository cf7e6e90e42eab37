"""`radio/sigmf_source`: what was recorded comes back, through the engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Annotation, Stream, Trace
from semcom.blocks.radio.sigmf_sink import SigmfSink
from semcom.blocks.radio.sigmf_source import SigmfSource
from semcom.errors import BlockError
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock
from semcom.sim.notes import note

META = Path("out/recording.sigmf-meta")
RNG = np.random.default_rng(4)
SAMPLES = (RNG.standard_normal((400, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def record(chunks, datatype="cf32_le"):
    """Record chunks of (offset, samples, annotations)."""
    sink = SigmfSink(SigmfSink.Params(datatype=datatype))
    sink.start()
    for offset, samples, notes in chunks:
        sink.work(samples, Stream(offset, 1e6, 0, tuple(notes)), Trace())
    sink.finish(RunContext())


def replay(**params):
    """What the engine makes of a replay: its items."""
    made = RunningBlock(SigmfSource(SigmfSource.Params(path=str(META), **params)), torch_threads=1)
    made.start()
    items = [item for (item,) in made.produce()]
    assert made.block.counted.get("lost_samples", 0) == sum(item.envelope.stream.gap_samples for item in items)
    return items


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 9)), min_size=1, max_size=10),
    st.lists(st.integers(0, 300), max_size=8),
    st.integers(1, 50),
)
def test_any_stream_comes_back_whole_with_gaps_and_annotations(chunks, places, chunk):
    """The offset of the first sample aside, from which a replay counts."""
    stream, offset, values, notes = [], 0, [], ["text", 3, 2.5, True, None]
    for size, gap in chunks:
        offset += gap
        inside = [at for at in sorted(places) if offset <= at < offset + size]
        here = [Annotation(at, f"key {at}", notes[at % 5], min(at % 3, offset + size - at)) for at in inside]
        stream.append((offset, SAMPLES[offset : offset + size], here))
        values += range(offset, offset + size)
        offset += size
    record(stream)
    items = replay(chunk=chunk)
    first = values[0]
    streams = [item.envelope.stream for item in items]
    starts = np.array([one.offset for one in streams])
    ends = starts + [item.value.size for item in items]
    found = np.concatenate([np.arange(*ends_of) for ends_of in zip(starts, ends, strict=True)])
    assert found.tolist() == [at - first for at in values]
    assert np.concatenate([item.value for item in items]).tobytes() == SAMPLES[values].tobytes()
    assert [one.gap_samples for one in streams] == [0, *(starts[1:] - ends[:-1])]
    assert {one.sample_rate_hz for one in streams} == {1e6}
    sent = [mark._replace(offset=mark.offset - first) for _, _, here in stream for mark in here]
    assert [mark for one in streams for mark in one.annotations] == sent
    assert all(item.value.size <= chunk for item in items)


def test_annotations_may_be_longer_than_their_chunk():
    record([(0, SAMPLES[:10], [Annotation(8, "burst_start", 0, 50)]), (10, SAMPLES[10:], [])])
    (mark,) = replay(chunk=4)[2].envelope.stream.annotations
    assert mark == Annotation(8, "burst_start", 0, 50)


@pytest.mark.parametrize(("datatype", "half_a_code"), [("ci16_le", 4 / 65536), ("ci8", 4 / 256)])
def test_integers_come_back_within_half_a_code(datatype, half_a_code):
    assert np.abs(SAMPLES.view(np.float32)).max() < 4 * (1 - 1 / 256)
    record([(0, SAMPLES, [])], datatype)
    (item,) = replay()
    error = np.abs(item.value.view(np.float32) - SAMPLES.view(np.float32).astype(float))
    assert half_a_code / 2 < error.max() <= half_a_code * (1 + 1e-5)


def amend(**top):
    metadata = json.loads(META.read_text())
    metadata["global"] |= {f"core:{key}": value for key, value in top.items()}
    metadata["global"] = {key: value for key, value in metadata["global"].items() if value is not None}
    META.write_text(json.dumps(metadata))


@pytest.mark.parametrize(
    ("top", "params", "text"),
    [
        (
            {},
            {"sample_rate_hz": 2e6},
            r"expected a sample rate of 2e\+06 Hz, as sample_rate_hz says, got 1e\+06 Hz: resample it, or leave",
        ),
        ({"sample_rate": None}, {}, "no sample rate is stated: say it as sample_rate_hz"),
        ({}, {"channel": 1}, "expected a channel below 1, as many as it has, got 1"),
        ({"datatype": "ri16_le"}, {}, "expected complex samples, .* got ri16_le"),
        ({"sha512": "0" * 128}, {}, "expected the SHA-512 000000000000..., got "),
    ],
)
def test_a_recording_that_does_not_fit_ends_the_run_before_it_begins(top, params, text):
    record([(0, SAMPLES, [])])
    amend(**top)
    with pytest.raises(BlockError, match=f"block 'block': .*{text}"):
        replay(**params)


def test_a_rate_that_is_not_stated_is_taken_from_the_parameter():
    record([(0, SAMPLES, [])])
    amend(sample_rate=None)
    (item,) = replay(sample_rate_hz=3e6)
    assert item.envelope.stream.sample_rate_hz == 3e6


def test_what_is_not_finite_is_counted(caplog):
    note.cache_clear()
    bad = SAMPLES.copy()
    bad[7] = np.nan
    record([(0, SAMPLES, [])])
    bad.tofile(META.with_suffix(".sigmf-data"))
    block = SigmfSource(SigmfSource.Params(path=str(META), verify="none"))
    block.start()
    (out,) = list(block.work())
    assert out.value[7] == 0
    assert block.counted == {"non_finite_samples": 1}
    assert caplog.messages == ["out/recording.sigmf-data: 1 samples were not finite and are zeros now"]
