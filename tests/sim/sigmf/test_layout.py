"""Where samples lie: the examples of the SigMF specification, and what other people write."""

from __future__ import annotations

import pytest
from semcom.errors import InputError
from semcom.sim.sigmf.layout import Segment, lay_out, place_marks
from semcom.sim.sigmf.marks import Mark, annotation, read_mark

ITEM = 8


def capture(start, **more):
    return {"core:sample_start": start, **{f"core:{key}": value for key, value in more.items()}}


def test_no_capture_at_all_is_one_from_the_first_sample_on():
    assert lay_out({}, [], 10 * ITEM, ITEM) == ((Segment(0, 0, 0, 10),), ())


def test_a_gap_by_global_index():
    """The specification's example: 500 samples lost after the first 500."""
    found = lay_out({}, [capture(0, global_index=0), capture(500, global_index=1000)], 700 * ITEM, ITEM)
    assert found.segments == (Segment(0, 0, 0, 500), Segment(500, 500 * ITEM, 1000, 200))
    assert found.notes == ()


def test_headers_between_captures():
    """The specification's example: samples of 2 bytes, headers of 4: the second capture is at byte 1008."""
    captures = [capture(0, header_bytes=4), capture(500, header_bytes=4)]
    found = lay_out({"core:trailing_bytes": 6}, captures, 1008 + 600 + 6, 2)
    assert found.segments == (Segment(0, 4, 0, 500), Segment(500, 1008, 500, 300))
    assert found.notes == ()


def test_captures_without_a_gap_are_one_segment():
    captures = [capture(0, frequency=1e6), capture(3, frequency=2e6), capture(3), capture(7, global_index=7)]
    assert lay_out({}, captures, 10 * ITEM, ITEM).segments == (Segment(0, 0, 0, 10),)


def test_numbers_count_from_the_first_sample_of_a_recording_that_is_one_of_several():
    found = lay_out({"core:offset": 100}, [capture(100), capture(104, global_index=110)], 8 * ITEM, ITEM)
    assert found.segments == (Segment(100, 0, 0, 4), Segment(104, 4 * ITEM, 10, 4))


def test_a_counter_of_the_hardware_begins_anywhere():
    captures = [capture(0, global_index=10**15), capture(4, global_index=10**15 + 9)]
    assert [one.offset for one in lay_out({}, captures, 8 * ITEM, ITEM).segments] == [0, 9]


def test_samples_before_the_first_capture_are_read():
    captures = [capture(3, global_index=1000), capture(5, global_index=1010)]
    assert lay_out({}, captures, 8 * ITEM, ITEM).segments == (Segment(0, 0, 0, 5), Segment(5, 5 * ITEM, 13, 3))


@pytest.mark.parametrize(
    ("top", "captures", "size", "samples", "text"),
    [
        ({}, [], 83, 10, "3 bytes behind the last whole sample are left out"),
        ({"core:trailing_bytes": 3}, [], 82, 9, "7 bytes behind the last whole sample are left out"),
        ({}, [capture(0), capture(12, global_index=20)], 80, 10, "the data end 2 samples before the last capture"),
        ({}, [capture(0, global_index=50), capture(5, global_index=2)], 80, 10, "at sample 5 counts back"),
        ({"core:offset": 5}, [capture(0)], 80, 10, "core:offset 5 is beyond the first capture's core:sample_start 0"),
    ],
)
def test_what_is_odd_is_noted_and_the_rest_is_read(top, captures, size, samples, text):
    found = lay_out(top, captures, size, ITEM)
    assert sum(one.samples for one in found.segments) == samples
    assert len(found.notes) == 1
    assert text in found.notes[0]


def test_captures_out_of_order_are_refused():
    with pytest.raises(InputError, match="expected captures by rising core:sample_start"):
        lay_out({}, [capture(4), capture(0)], 80, ITEM)


def test_more_headers_than_bytes_are_refused():
    with pytest.raises(InputError, match="expected 90 bytes of headers and samples behind them, got 80 bytes in all"):
        lay_out({}, [capture(0, header_bytes=90)], 80, ITEM)


def test_annotations_follow_their_samples_across_a_gap():
    segments = (Segment(0, 0, 0, 500), Segment(500, 4000, 1000, 200))
    given = [{"core:sample_start": at, "core:label": f"at {at}"} for at in (600, 0, 499, 500, 700)]
    placed, beside = place_marks(segments, given)
    assert [(mark.offset, mark.key) for mark in placed] == [
        (0, "at 0"),
        (499, "at 499"),
        (1000, "at 500"),
        (1100, "at 600"),
    ]
    assert beside == 1
    assert place_marks((), given) == ([], 5)


def test_annotations_of_other_people():
    given = {"core:sample_start": 3, "core:sample_count": 20.0, "core:comment": "LTE", "core:freq_lower_edge": 9e8}
    assert read_mark(given) == Mark(3, "annotation", "LTE", 20)
    assert read_mark({"core:sample_start": 3, "core:label": "x", "semcom:value": {"a": 1}}) == Mark(3, "x", "{'a': 1}")


@pytest.mark.parametrize("value", [None, True, 0, -7, 2.5, "text", "\udcff"])
def test_what_an_annotation_says_comes_back(value):
    mark = Mark(5, "burst_start", value, 9)
    assert read_mark(annotation(mark)) == mark


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_becomes_text(value):
    assert read_mark(annotation(Mark(5, "snr_db", value))).value == str(value)
