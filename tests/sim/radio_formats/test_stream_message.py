"""Stream messages against what GNU Radio 3.10.5 sent."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.errors import SignalError, WireError
from semcom.sim.radio_formats.requests import MAX_CREDIT, SRSRAN_REQUEST, pack_credit, unpack_request
from semcom.sim.radio_formats.stream_message import Tag, pack_stream, unpack_stream

# vector_source_c([1+2j, 3+4j, 5+6j]) with tags k = v at 0 from s, n = 7 at 2, into pub_sink(pass_tags=True)
CAPTURED = bytes.fromhex(
    "f05f 01 0000000000000000 0200000000000000"
    "0000000000000000 020001 6b 020001 76 020001 73"
    "0200000000000000 020001 6e 0300000007 01"
    "0000803f 00000040 00004040 00008040 0000a040 0000c040"
)
ITEMS = np.array([1 + 2j, 3 + 4j, 5 + 6j], np.complex64)
TAGS = (Tag(0, "k", "v", "s"), Tag(2, "n", 7))


def test_a_captured_message_is_read_and_written():
    read = unpack_stream(CAPTURED, pass_tags=True)
    np.testing.assert_array_equal(read.items, ITEMS)
    assert (read.offset, read.tags) == (0, TAGS)
    assert pack_stream(ITEMS, 0, TAGS) == CAPTURED


def test_items_alone():
    data = CAPTURED[-24:]
    read = unpack_stream(data, pass_tags=False)
    np.testing.assert_array_equal(read.items, ITEMS)
    assert (read.offset, read.tags) == (None, ())
    assert pack_stream(ITEMS) == data
    assert unpack_stream(b"", pass_tags=False).items.size == 0
    assert unpack_stream(pack_stream(ITEMS[:0], 9), pass_tags=True).offset == 9


def test_items_are_aligned_and_stay_as_they_came():
    items = unpack_stream(CAPTURED, pass_tags=True).items
    assert items.flags.aligned
    assert not items.flags.writeable


@pytest.mark.parametrize(
    ("data", "pass_tags", "says"),
    [
        (b"\0" * 12, False, "a multiple of 8 bytes .* got 12"),
        (CAPTURED[:-4], True, "a multiple of 8 bytes .* got 20"),
        (CAPTURED, False, "got a tag header; set pass_tags at both ends"),
        (pack_stream(ITEMS, 0, [Tag(0, "abc", "de")]), False, "got a tag header; set pass_tags at both ends"),
        (CAPTURED[-24:], True, r"expected a tag header \(f0 5f 01\), got 00 00 80; set pass_tags"),
        (b"", True, "a tag header of 19 bytes, got 0"),
        (b"\xf0\x5f\x02" + b"\0" * 16, True, "got f0 5f 02"),
        (b"\xf0\x5f\x01" + b"\0" * 8 + b"\xff" * 8, True, "at most 65536 tags, got 18446744073709551615"),
        (CAPTURED[:25], True, "expected 8 bytes at byte 19"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_remedy(data, pass_tags, says):
    with pytest.raises(WireError, match=says):
        unpack_stream(data, pass_tags=pass_tags)


def test_samples_that_begin_like_a_header_are_samples():
    data = b"\xf0\x5f\x01" + b"\x11" * 21
    assert unpack_stream(data, pass_tags=False).items.size == 3


def test_requests():
    assert pack_credit(2) == bytes.fromhex("02000000")
    assert [unpack_request(data) for data in (b"\x02\0\0\0", b"\3\0\0\0\1\0\0\0", b"\0\0\0\0")] == [2, 3, 0]
    assert [unpack_request(data) for data in (SRSRAN_REQUEST["4g"], SRSRAN_REQUEST["5g"], b"")] == [None, None, None]
    assert (SRSRAN_REQUEST["4g"], SRSRAN_REQUEST["5g"]) == (b"\xff", b"\0")
    with pytest.raises(WireError, match="a credit of 0 to 2147483647 items, got -1"):
        unpack_request(b"\xff" * 4)
    for items in (-1, MAX_CREDIT + 1):
        with pytest.raises(SignalError, match=f"expected 0 to {MAX_CREDIT} items, got {items}"):
            pack_credit(items)
