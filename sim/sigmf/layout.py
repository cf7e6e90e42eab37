"""Where the samples of a recording lie in its data file, and in the stream that they were taken from."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import InputError
from .marks import Mark, read_mark

__all__ = ["Layout", "Segment", "lay_out", "place_marks"]


class Segment(NamedTuple):
    """Samples that follow each other in the file and in the stream.

    Attributes:
        first: Number of the first one in the recording, as metadata count.
        byte: Where it begins in the file.
        offset: Its number in the stream, which begins with the recording's first sample.
        samples: How many there are.
    """

    first: int
    byte: int
    offset: int
    samples: int


class Layout(NamedTuple):
    """All of a recording.

    Attributes:
        segments: By rising number; between two of them lies a gap, or bytes that are no samples.
        notes: What a user should know of it.
    """

    segments: tuple[Segment, ...]
    notes: tuple[str, ...]


def lay_out(top: Mapping[str, Any], captures: Sequence[Mapping[str, Any]], size_bytes: int, row_bytes: int) -> Layout:
    """Place the captures of a recording.

    A capture whose ``core:global_index`` lies beyond the samples before it begins after a gap. Headers and trailing
    bytes of files that are not SigMF's own are left out, and so is less than a whole sample at the end.

    Args:
        top: The global object.
        captures: The capture objects.
        size_bytes: Of the data file.
        row_bytes: Of one sample of all channels.

    Raises:
        InputError: captures are not in order, or what is to be left out is more than the file.
    """
    notes: list[str] = []
    given = _captures(top, captures, notes)
    end = size_bytes - int(top.get("core:trailing_bytes", 0))
    left_out = sum(one.header_bytes for one in given)
    if left_out > end:
        raise InputError(
            f"expected {left_out} bytes of headers and samples behind them, got {max(0, end)} bytes in all"
        )
    segments: list[Segment] = []
    byte = missing = expected = 0
    for number, one in enumerate(given):
        byte += one.header_bytes
        there = max(0, (end - byte) // row_bytes)
        count = there if one is given[-1] else given[number + 1].start - one.start
        missing += max(0, count - there)
        offset = max(expected, one.global_index - given[0].global_index)
        if one.numbered and offset > one.global_index - given[0].global_index:
            notes.append(f"core:global_index of the capture at sample {one.start} counts back: taken as no gap")
        _append(segments, Segment(one.start, byte, offset, min(count, there)), row_bytes)
        byte += count * row_bytes
        expected = offset + count
    if missing:
        notes.append(f"the data end {missing} samples before the last capture: truncated, or interrupted in writing")
    elif (end - byte) % row_bytes:
        notes.append(f"{(end - byte) % row_bytes} bytes behind the last whole sample are left out")
    return Layout(tuple(segments), tuple(notes))


class _Capture(NamedTuple):
    start: int
    global_index: int
    numbered: bool = False
    header_bytes: int = 0


def _captures(top: Mapping[str, Any], captures: Sequence[Mapping[str, Any]], notes: list[str]) -> list[_Capture]:
    """Return the captures, one before them for samples that none of them holds."""
    origin = int(top.get("core:offset", 0))
    given = [
        _Capture(
            start := int(one["core:sample_start"]),
            int(one.get("core:global_index", start)),
            "core:global_index" in one,
            int(one.get("core:header_bytes", 0)),
        )
        for one in captures
    ] or [_Capture(origin, origin)]
    if any(one.start > other.start for one, other in itertools.pairwise(given)):
        raise InputError("expected captures by rising core:sample_start")
    first = given[0]
    if first.start < origin:
        notes.append(f"core:offset {origin} is beyond the first capture's core:sample_start {first.start}: left out")
    elif first.start > origin:
        before = first.start - origin
        given.insert(0, _Capture(origin, first.global_index - before))
    return given


def _append(segments: list[Segment], segment: Segment, row_bytes: int) -> None:
    """Add a segment, to the last one where it follows without a gap."""
    if segments and segment.samples:
        last = segments[-1]
        if (segment.byte, segment.offset) == (last.byte + last.samples * row_bytes, last.offset + last.samples):
            segments[-1] = last._replace(samples=last.samples + segment.samples)
            return
    if segment.samples:
        segments.append(segment)


def place_marks(segments: Sequence[Segment], annotations: Iterable[Mapping[str, Any]]) -> tuple[list[Mark], int]:
    """Return what annotations say, by rising number of the sample in the stream, and how many lie on no sample.

    Args:
        segments: Of the recording.
        annotations: The annotation objects.
    """
    starts = [segment.first for segment in segments]
    placed, beside = [], 0
    for mark in map(read_mark, annotations):
        number = bisect_right(starts, mark.offset) - 1
        inside = mark.offset - starts[number] if number >= 0 else -1
        if 0 <= inside < segments[number].samples:
            placed.append(mark._replace(offset=segments[number].offset + inside))
        else:
            beside += 1
    return sorted(placed, key=lambda mark: mark.offset), beside
