"""Reading recordings that the package `sigmf` wrote, and files that are not as they should be."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sigmf
from semcom.errors import InputError
from semcom.sim.notes import note
from semcom.sim.sigmf.marks import Mark
from semcom.sim.sigmf.metadata import SPECIFICATION
from semcom.sim.sigmf.read import open_recording

SAMPLES = (np.arange(1, 101) * np.complex64(1 - 2j)).astype(np.complex64)
META = Path("air.sigmf-meta")
DATA = Path("air.sigmf-data")


@pytest.fixture(autouse=True)
def noted(caplog):
    """What was noted in this test: a note is said once a process."""
    note.cache_clear()
    caplog.set_level(logging.WARNING, "semcom")
    return caplog


def write(top=None, captures=(), annotations=(), *, samples=SAMPLES, hashed=True, datatype="cf32_le"):
    """Write a recording by the package `sigmf`, then put fields in without asking it."""
    DATA.write_bytes(samples.tobytes())
    made = sigmf.SigMFFile(global_info={"core:datatype": datatype, "core:sample_rate": 1e6})
    made.set_data_file(data_file=DATA)
    made.add_capture(0)
    made.tofile(META, overwrite=True)
    metadata = json.loads(META.read_text())
    metadata["global"] |= top or {}
    if not hashed:
        del metadata["global"]["core:sha512"]
    metadata["captures"] = list(captures) or metadata["captures"]
    metadata["annotations"] = list(annotations)
    META.write_text(json.dumps(metadata))


def samples_of(path="air.sigmf-meta", size=1000, channel=0, **options) -> np.ndarray:
    parts = [chunk.samples for chunk in open_recording(path, **options).chunks(size, channel)]
    return np.concatenate([np.empty(0, np.complex64), *parts])


def test_the_version_that_is_named_is_that_of_the_package():
    assert sigmf.__specification__ == SPECIFICATION


@pytest.mark.parametrize("path", ["air.sigmf-meta", "air.sigmf-data", "air"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_samples_come_back_bit_by_bit_in_any_chunks(path, size, noted):
    write()
    assert samples_of(path, size).tobytes() == SAMPLES.tobytes()
    assert open_recording(path).sample_rate_hz == 1e6
    assert noted.messages == []


def test_a_name_with_dots():
    write()
    META.rename("air.10.dB.sigmf-meta")
    DATA.rename("air.10.dB.sigmf-data")
    assert samples_of("air.10.dB").size == samples_of("air.10.dB.sigmf-data").size == 100


def test_gaps_and_annotations_have_their_places_in_any_chunks():
    captures = [{"core:sample_start": 0}, {"core:sample_start": 30, "core:global_index": 1030}]
    notes = [{"core:sample_start": at, "core:label": "burst", "semcom:value": at} for at in (0, 29, 30, 99)]
    write(captures=captures, annotations=notes)
    for size in (1, 8, 1000):
        chunks = list(open_recording("air").chunks(size))
        offsets = np.concatenate([np.arange(one.offset, one.offset + one.samples.size) for one in chunks])
        assert offsets.tolist() == [*range(30), *range(1030, 1100)]
        assert [mark for one in chunks for mark in one.marks] == [
            Mark(0, "burst", 0),
            Mark(29, "burst", 29),
            Mark(1030, "burst", 30),
            Mark(1099, "burst", 99),
        ]
        for one in chunks:
            assert all(one.offset <= mark.offset < one.offset + one.samples.size for mark in one.marks)


@pytest.mark.parametrize("pieces", [1 << 22, 48])
def test_channels_are_taken_apart(pieces, monkeypatch):
    monkeypatch.setattr("semcom.sim.sigmf.read._PIECE_BYTES", pieces)
    write({"core:num_channels": 4})
    for channel in range(4):
        np.testing.assert_array_equal(samples_of(channel=channel, size=9), SAMPLES[channel::4])


def test_a_file_that_is_not_sigmfs_own_is_read_by_its_headers():
    """Two stretches of samples behind headers of 10 bytes each, a tail of 5, in a file of another name."""
    raw = SAMPLES.tobytes()
    content = b"h" * 10 + raw[:320] + b"H" * 10 + raw[320:] + b"tail!"
    Path("tape.bin").write_bytes(content)
    write({"core:dataset": "tape.bin", "core:trailing_bytes": 5, "core:sha512": hashlib.sha512(content).hexdigest()})
    metadata = json.loads(META.read_text())
    metadata["captures"] = [{"core:sample_start": at, "core:header_bytes": 10} for at in (0, 40)]
    META.write_text(json.dumps(metadata))
    DATA.unlink()
    assert samples_of().tobytes() == raw


def test_the_full_scale_that_is_stated_is_used_and_one_is_taken_where_none_is():
    codes = np.array([[-128, 127], [64, 0]], np.int8)
    write(datatype="ci8", samples=codes)
    np.testing.assert_array_equal(samples_of(), np.array([-1 + 127j / 128, 0.5], np.complex64))
    write({"semcom:full_scale": 4}, datatype="ci8", samples=codes)
    np.testing.assert_array_equal(samples_of(), 4 * np.array([-1 + 127j / 128, 0.5], np.complex64))


def test_samples_that_are_not_finite_are_zeros_and_counted():
    bad = SAMPLES.copy()
    bad[[3, 50]] = np.nan, np.inf
    write(samples=bad)
    found = list(open_recording("air").chunks(60))
    assert [one.zeroed for one in found] == [2, 0]
    assert np.flatnonzero(np.concatenate([one.samples for one in found]) == 0).tolist() == [3, 50]


def test_what_is_odd_is_noted(noted):
    write(hashed=False, annotations=[{"core:sample_start": 500, "core:label": "beyond"}], samples=SAMPLES)
    with DATA.open("ab") as file:
        file.write(b"end")
    assert samples_of().size == 100
    assert noted.messages == [
        "air.sigmf-data: no hash is stated: nobody knows whether these are all samples, and the right ones",
        "air.sigmf-meta: 3 bytes behind the last whole sample are left out",
        "air.sigmf-meta: 1 annotations lie on no sample and are left out",
    ]


@pytest.mark.parametrize("change", ["cut", "other", "longer"])
def test_a_wrong_hash_is_an_error_unless_nobody_asks(change):
    write()
    content = DATA.read_bytes()
    DATA.write_bytes({"cut": content[:-80], "other": content[:-1] + b"!", "longer": content + content[:8]}[change])
    with pytest.raises(
        InputError,
        match=r"air.sigmf-data: expected the SHA-512 [0-9a-f]{12}..., got [0-9a-f]{12}...: truncated, or changed since "
        "it was recorded; verify: none reads it as it is",
    ):
        open_recording("air")
    assert samples_of(verify="none").size == {"cut": 90, "other": 100, "longer": 101}[change]


def test_a_hash_may_be_in_capitals():
    write()
    metadata = json.loads(META.read_text())
    metadata["global"]["core:sha512"] = metadata["global"]["core:sha512"].upper()
    META.write_text(json.dumps(metadata))
    assert samples_of().size == 100


EXTENSION = {"core:extensions": [{"name": "lost", "version": "1.0.0", "optional": False}]}


@pytest.mark.parametrize(
    ("top", "text"),
    [
        ({"core:datatype": "rf32_le"}, "expected complex samples, core:datatype cf32, .* got rf32_le"),
        ({"core:datatype": 5}, "expected SigMF 1.2.6: global core:datatype: 5 is not of type 'string'"),
        ({"core:sample_rate": -1}, "expected SigMF 1.2.6: global core:sample_rate: -1 is less than or equal to"),
        ({"core:num_channels": 0}, "expected SigMF 1.2.6: global core:num_channels: 0 is less than the minimum of 1"),
        ({"core:dataset": "a/../../b"}, "expected the name of a file in the same folder as core:dataset, got a/"),
        ({"core:dataset": "other.bin"}, "expected the samples in other.bin beside it, got no such file"),
        ({"core:metadata_only": True}, r"expected a recording, got metadata alone \(core:metadata_only\)"),
        ({"semcom:full_scale": 0}, "expected a number above 0 as semcom:full_scale, got 0"),
        ({"semcom:full_scale": 10**400}, "expected a number above 0 as semcom:full_scale, got 1000"),
        (EXTENSION, "its samples cannot be read without the extension lost, unknown here"),
    ],
)
def test_metadata_that_do_not_describe_such_samples_are_refused(top, text):
    write(top)
    with pytest.raises(InputError, match=f"air.sigmf-meta: {text}"):
        open_recording("air")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "expected SigMF metadata, got no JSON: Expecting property name"),
        (b"\xff\xfe\xfa", "expected SigMF metadata, got no JSON: "),
        (b"[" * 100_000, "expected SigMF metadata, got no JSON: maximum recursion depth"),
        (b'{"global": NaN}', "expected SigMF metadata, got no JSON: NaN is no number of JSON"),
        (b"[]", r"expected SigMF 1.2.6: the whole: \[\] is not of type 'object'"),
        (b"{}", "expected SigMF 1.2.6: the whole: 'global' is a required property"),
    ],
)
def test_what_is_no_metadata_is_refused(content, text):
    META.write_bytes(content)
    with pytest.raises(InputError, match=f"air.sigmf-meta: {text}"):
        open_recording("air")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("air.sigmf", r"got an archive: unpack it \(tar xf\), then name what was in it"),
        ("air.sigmf-collection", "got a list of recordings: name one of them"),
    ],
)
def test_several_recordings_in_one_file_are_refused(name, text):
    with pytest.raises(InputError, match=f"{name}: expected one recording, {text}"):
        open_recording(name)


def test_a_recording_without_samples_is_noted(noted):
    write(samples=SAMPLES[:1])
    DATA.write_bytes(b"")
    assert samples_of(verify="none").size == 0
    assert noted.messages == ["air.sigmf-data: no samples"]


def mutated(rng: random.Random, content: bytes) -> bytes:
    """The metadata of a recording with a few of its bytes, words or values changed."""
    for _ in range(rng.randint(1, 3)):
        at, length = rng.randrange(len(content)), rng.choice([0, 1, 1, 2, 5, 20])
        new = rng.choice([b"", b"-", b"1e999", b"null", b"[]", b"{}", b'""', b"9" * 30, b"\\u0000", b"..", b"\xff"])
        words = [match.span() for match in re.finditer(rb'"[^"]*"|[0-9.]+|\[|\]|\{|\}', content)]
        start, end = rng.choice([(at, at + length), rng.choice(words)])
        content = content[:start] + new + content[end:]
    return content


def test_ten_thousand_mutated_metadata_raise_only_what_is_documented():
    notes = [{"core:sample_start": 3, "core:sample_count": 9, "core:label": "burst", "semcom:value": 2}]
    captures = [{"core:sample_start": 0, "core:header_bytes": 0}, {"core:sample_start": 50, "core:global_index": 60}]
    write({"core:num_channels": 1, "core:offset": 0, "core:dataset": "air.sigmf-data"}, captures, notes)
    whole, rng, read = META.read_bytes(), random.Random(1), 0
    where = set()
    with META.open("r+b", buffering=0) as file:  # kept open: opening costs more than all the rest
        for _ in range(10_000):
            file.seek(0)
            file.truncate(file.write(mutated(rng, whole)))
            try:
                read += samples_of(verify="none").size > 0
            except InputError as error:
                where.add(str(error).split(":")[0])
    assert 100 < read < 9900
    assert where <= {str(META), str(DATA)}


def test_no_file():
    with pytest.raises(InputError, match=r"air\.sigmf-meta: no such file"):
        open_recording("air")


def test_a_file_that_becomes_shorter_while_it_is_read():
    write()
    chunks = open_recording("air").chunks(10)
    next(chunks)
    DATA.write_bytes(b"")
    with pytest.raises(InputError, match=r"air\.sigmf-data: the file became shorter while it was read"):
        list(chunks)


def test_without_the_package_the_extra_is_named():
    write()
    code = (
        "import sys\nsys.modules['sigmf'] = None\nfrom semcom.sim.sigmf.read import open_recording\n"
        "open_recording('air')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1].endswith(
        'MissingExtra: radio/sigmf_source needs sigmf: pip install "gr-semcom[radio]"'
    )


def test_a_large_recording_is_read_in_little_memory():
    """400 MB of samples, of which a chunk is in memory at a time."""
    META.write_text(
        json.dumps({"global": {"core:datatype": "cf32_le", "core:version": "1.2.6"}, "captures": [], "annotations": []})
    )
    with DATA.open("wb") as file:
        file.truncate(400_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = sum(one.samples.size for one in open_recording("air", "none").chunks(65536))
    assert total == 50_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB
