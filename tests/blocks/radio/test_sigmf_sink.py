"""`radio/sigmf_sink`: what it writes is read by the package `sigmf`, and is a recording at any moment."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sigmf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Annotation, Stream, Trace
from semcom.blocks.radio.sigmf_sink import SigmfSink
from semcom.errors import RunError, SignalError
from semcom.sim.notes import note

RATE_HZ = 1e6
RUN = RunContext(name="air", versions={"gr-semcom": "0.1.0"}, graph_hash="ab" * 32)
META, DATA = Path("out/recording.sigmf-meta"), Path("out/recording.sigmf-data")
RNG = np.random.default_rng(3)
SAMPLES = (RNG.standard_normal((1000, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def make(heritage=None, **params) -> SigmfSink:
    sink = SigmfSink(SigmfSink.Params(**params), seed=11)
    sink.heritage = {} if heritage is None else heritage
    sink.start()
    return sink


def give(sink, samples, offset=0, annotations=(), rate_hz=RATE_HZ, born_s=0.0):
    sink.work(samples, Stream(offset, rate_hz, 0, tuple(annotations)), Trace(born_s=born_s))


def validated() -> sigmf.SigMFFile:
    """The recording, opened and validated by the package `sigmf`, its hash compared."""
    found = sigmf.sigmffile.fromfile(META, autoscale=False)
    found.validate()
    return found


def metadata() -> dict:
    return json.loads(META.read_text())


def test_the_recording_is_valid_and_says_what_is_asked_of_it():
    sink = make(esn0_db=7.5, frequency_hz=2.4e9, description="a test")
    for at in range(0, 1000, 250):
        give(sink, SAMPLES[at : at + 250], at, born_s=1700000000.25)
    assert sink.finish(RUN) is None
    found = validated()
    np.testing.assert_array_equal(found.read_samples(), SAMPLES)
    assert DATA.read_bytes() == SAMPLES.tobytes()
    top = metadata()["global"]
    assert top == {
        "core:datatype": "cf32_le",
        "core:sample_rate": RATE_HZ,
        "core:version": "1.2.6",
        "core:sha512": top["core:sha512"],
        "core:recorder": "gr-semcom 0.1.0",
        "core:description": "a test",
        "core:extensions": [{"name": "semcom", "version": "1.0.0", "optional": True}],
        "semcom:graph_sha256": "ab" * 32,
        "semcom:seed": 11,
        "semcom:esn0_db": 7.5,
    }
    assert metadata()["captures"] == [
        {
            "core:sample_start": 0,
            "core:global_index": 0,
            "core:datetime": "2023-11-14T22:13:20.250Z",
            "core:frequency": 2.4e9,
        }
    ]
    assert [str(path) for path in sink.files] == [str(META), str(DATA)]
    assert sink.counted == {"recorded_samples": 1000}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=12),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5)), max_size=8),
)
def test_any_chunks_gaps_and_annotations_are_a_valid_recording(chunks, notes):
    """Each chunk is (samples, samples lost before it); annotations lie anywhere in what arrives."""
    sink, offset, expected, lost = make(), 0, [], False
    placed = []  # (number in the recording, number in the stream)
    for size, gap in chunks:
        offset += gap
        here = [Annotation(at, "mark", at, length) for at, length in sorted(notes) if offset <= at < offset + size]
        placed += [(len(expected) + note.offset - offset, note.offset) for note in here]
        give(sink, SAMPLES[offset : offset + size], offset, here)
        expected += range(offset, offset + size)
        offset += size
        lost = lost or bool(gap)
    sink.finish(RUN)
    if not chunks:
        assert metadata()["captures"] == metadata()["annotations"] == []
        assert DATA.read_bytes() == b""
        return
    if expected:
        np.testing.assert_array_equal(validated().read_samples(), SAMPLES[expected])
    starts = [number for number, at in enumerate(expected) if number == 0 or at != expected[number - 1] + 1]
    assert metadata()["captures"] == [{"core:sample_start": n, "core:global_index": expected[n]} for n in starts]
    written = metadata()["annotations"]
    assert [(one["core:sample_start"], one["semcom:value"]) for one in written] == placed
    assert all(one["core:sample_start"] + one.get("core:sample_count", 0) <= len(expected) for one in written)


@pytest.mark.parametrize(("datatype", "dtype", "levels"), [("ci16_le", "<i2", 32768), ("ci8", "i1", 128)])
def test_integers_are_codes_of_the_full_scale_that_is_stated(datatype, dtype, levels, caplog):
    note.cache_clear()
    sink = make(datatype=datatype, full_scale=2.0)
    give(sink, SAMPLES)
    sink.finish(RUN)
    codes = np.fromfile(DATA, dtype).reshape(-1, 2)
    values = SAMPLES.view(np.float32).reshape(-1, 2).astype(float)
    outside = ((values > 2 * (1 - 0.5 / levels)) | (values < -2 * (1 + 0.5 / levels))).any(axis=1)
    assert outside.any()
    assert (np.abs(codes * 2.0 / levels - values)[~outside] <= 1.0 / levels * (1 + 1e-6)).all()
    assert sink.counted["clipped_samples"] == outside.sum()
    top = validated().get_global_info()
    assert (top["semcom:full_scale"], top["semcom:clipped_samples"]) == (2.0, outside.sum())
    assert caplog.messages == [f"{DATA}: {outside.sum()} of 1000 samples were clipped: raise full_scale"]


def test_samples_that_are_not_finite_are_written_as_zeros_and_counted(caplog):
    note.cache_clear()
    bad = SAMPLES.copy()
    bad[[5, 700]] = np.nan, np.inf
    sink = make()
    give(sink, bad)
    sink.finish(RUN)
    bad[[5, 700]] = 0
    assert DATA.read_bytes() == bad.tobytes()
    assert metadata()["global"]["semcom:non_finite_samples"] == 2
    assert sink.counted["non_finite_samples"] == 2
    assert caplog.messages == [f"{DATA}: 2 samples were not finite and are written as zeros"]


def test_it_is_valid_after_every_chunk():
    sink = make()
    for number, at in enumerate(range(0, 1000, 50)):
        give(sink, SAMPLES[at : at + 50], at + 7 * number, [Annotation(at + 7 * number + 3, "burst_start", number)])
        found = validated()
        assert "core:sha512" not in metadata()["global"]
        np.testing.assert_array_equal(found.read_samples(), SAMPLES[: at + 50])
        assert [one["core:global_index"] for one in metadata()["captures"]] == [57 * n for n in range(number + 1)]
    sink.finish(RUN)
    assert len(metadata()["annotations"]) == 20


WRITES_FOR_EVER = """
import itertools, numpy as np
from semcom.blocks.envelope import Annotation, Stream, Trace
from semcom.blocks.radio.sigmf_sink import SigmfSink
sink = SigmfSink()
sink.start()
for n in itertools.count():
    note = Annotation(n * 1000 + 5, "burst_start", n)
    sink.work(np.full(999, n, np.complex64), Stream(n * 1000, 1e6, 0, (note,)), Trace())
"""


def test_one_that_is_killed_is_valid_up_to_what_was_written():
    process = subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER])
    try:
        deadline = time.monotonic() + 30
        while not (DATA.exists() and DATA.stat().st_size > 300 * 999 * 8) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    samples = validated().read_samples()
    whole = samples.size // 999
    assert whole >= 300
    np.testing.assert_array_equal(samples[: whole * 999].reshape(whole, 999)[:, 0], np.arange(whole))
    captures = metadata()["captures"]
    assert len(captures) - whole in (0, 1)
    assert captures[:whole] == [{"core:sample_start": 999 * n, "core:global_index": 1000 * n} for n in range(whole)]
    assert 0.9 * whole <= len(metadata()["annotations"]) <= whole


def test_a_disk_that_is_full_keeps_what_was_recorded(monkeypatch):
    sink = make()
    give(sink, SAMPLES[:300])

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(RunError, match=f"{DATA}: cannot be written: No space left.*; what was recorded before is"):
            give(sink, SAMPLES[300:600], 300, [Annotation(400, "burst_start")])
    sink.finish(RunContext(complete=False))
    np.testing.assert_array_equal(validated().read_samples(), SAMPLES[:300])
    assert metadata()["annotations"] == []


def test_another_sample_rate_is_refused():
    sink = make()
    give(sink, SAMPLES[:10])
    with pytest.raises(SignalError, match=r"expected samples at 1e\+06 Hz, as those before .*, got 2e\+06 Hz"):
        give(sink, SAMPLES[:10], 10, rate_hz=2e6)


def test_two_that_write_the_same_recording_are_refused():
    first, second = make(), make()
    give(first, SAMPLES)
    with pytest.raises(RunError, match=f"{DATA}: another sink or run is writing this recording; give each its own"):
        give(second, SAMPLES)
    give(make(name="other"), SAMPLES)


def test_a_file_that_cannot_be_opened():
    DATA.mkdir(parents=True)
    with pytest.raises(RunError, match=f"{DATA}: cannot be written: Is a directory"):
        give(make(), SAMPLES)


def test_a_recording_of_before_is_replaced_and_one_that_is_never_used_touches_nothing():
    give(first := make(), SAMPLES)
    first.finish(RUN)
    make()
    assert validated().read_samples().size == 1000
    give(second := make(), SAMPLES[:3])
    second.finish(RUN)
    assert validated().read_samples().size == 3


def test_one_that_is_swapped_in_goes_on():
    heritage: dict = {}
    give(first := make(heritage), SAMPLES[:400], 0, [Annotation(5, "burst_start", 0)])
    first.finish(RUN)
    second = make(heritage, frequency_hz=1e9)
    give(second, SAMPLES[400:500], 400)
    assert "core:sha512" not in metadata()["global"]
    second.finish(RUN)
    give(third := make(heritage, frequency_hz=1e9), SAMPLES[500:], 900, [Annotation(905, "burst_start", 1)])
    third.finish(RUN)
    np.testing.assert_array_equal(validated().read_samples(), SAMPLES)
    assert metadata()["captures"] == [
        {"core:sample_start": 0, "core:global_index": 0},
        {"core:sample_start": 400, "core:global_index": 400, "core:frequency": 1e9},
        {"core:sample_start": 500, "core:global_index": 900, "core:frequency": 1e9},
    ]
    assert [one["core:sample_start"] for one in metadata()["annotations"]] == [5, 505]


def test_one_of_another_format_is_not_swapped_into_the_same_recording():
    heritage: dict = {}
    give(first := make(heritage), SAMPLES)
    first.finish(RUN)
    with pytest.raises(
        SignalError, match=r"datatype cf32_le with full_scale 4, .* got ci8 with 4: give it another 'name'"
    ):
        give(make(heritage, datatype="ci8"), SAMPLES, 1000)
    assert validated().read_samples().size == 1000


def test_a_place_that_is_started_again_goes_on_and_leaves_doubles_out():
    give(killed := make(datatype="ci16_le"), SAMPLES[:600], 100, [Annotation(107, "burst_start", 0)])
    os.close(killed._writer._file)
    with DATA.open("ab") as file:  # killed within a write
        file.write(b"abc")
    again = make(datatype="ci16_le")
    again.goes_on = True
    give(again, SAMPLES[500:700], 600, [Annotation(650, "burst_start", 0), Annotation(790, "burst_start", 1)])
    again.finish(RUN)
    assert validated().sample_count == 700
    assert metadata()["captures"] == [{"core:sample_start": 0, "core:global_index": 100}]
    assert [one["core:sample_start"] for one in metadata()["annotations"]] == [7, 690]


def test_a_place_that_is_started_again_with_another_format_begins_anew():
    give(killed := make(), SAMPLES)
    os.close(killed._writer._file)
    again = make(datatype="ci8")
    again.goes_on = True
    give(again, SAMPLES[:5], 1000)
    again.finish(RUN)
    assert validated().sample_count == 5
