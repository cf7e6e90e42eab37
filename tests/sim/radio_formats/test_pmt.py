"""PMT against bytes that GNU Radio 3.10.5 wrote (`pmt.serialize_str`), and against bytes that nobody should write."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.errors import SignalError, WireError
from semcom.sim.radio_formats.pmt import MAX_OBJECTS, Pair, Unsigned, pack_pmt, pmt_text, unpack_pmt

WRITTEN = [  # value, what pmt.serialize_str gave for it
    (True, "00"),
    (False, "01"),
    (None, "06"),
    (1, "03 00000001"),
    (-1, "03 ffffffff"),
    (2**31, "0d 0000000080000000"),
    (-(2**40), "0d ffffff0000000000"),
    (Unsigned(5), "0b 0000000000000005"),
    (1.5, "04 3ff8000000000000"),
    (1 - 2j, "05 3ff0000000000000 c000000000000000"),
    ("abc", "02 0003 616263"),
    (Pair("a", 1), "07 02000161 0300000001"),
    (Pair(1, None), "07 0300000001 06"),
    ({"a": 1}, "09 07 02000161 0300000001 06"),
    ({"a": 1, "b": 2.0}, "09 07 02000162 044000000000000000 09 07 02000161 0300000001 06"),
    ([7, None], "08 00000002 0300000007 06"),
    ((1, 2), "0c 00000002 0300000001 0300000002"),
    (np.array([1, 2, 3], np.uint8), "0a 00 00000003 01 00 010203"),
    (np.array([-2], np.int16), "0a 03 00000001 01 00 fffe"),
    (np.array([1, 2], np.float32), "0a 08 00000002 01 00 3f800000 40000000"),
    (np.array([1 - 2j], np.complex64), "0a 0a 00000001 01 00 3f800000 c0000000"),
    (np.array([], np.uint8), "0a 00 00000000 01 00"),
]


@pytest.mark.parametrize(("value", "written"), WRITTEN, ids=[written for _, written in WRITTEN])
def test_values_are_written_as_gnu_radio_writes_them_and_read_again(value, written):
    data = bytes.fromhex(written)
    assert pack_pmt(value) == data
    read = unpack_pmt(data)
    assert type(read) is type(value)
    if isinstance(value, np.ndarray):
        assert read.dtype == value.dtype
        np.testing.assert_array_equal(read, value)
    else:
        assert read == value


def test_the_order_of_a_dictionary_stays_and_the_newest_entry_of_a_key_stands():
    assert list(unpack_pmt(pack_pmt({"a": 1, "b": 2, "c": 3}))) == ["a", "b", "c"]
    newest_first = bytes.fromhex("09 07 02000161 0300000002 09 07 02000161 0300000001 06")
    assert unpack_pmt(newest_first) == {"a": 2}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "expected 1 bytes at byte 0, got 0"),
        ("03 0000", "expected 4 bytes at byte 1, got 2"),
        ("06 06", "expected 1 bytes, got 2: something follows"),
        ("0e", "expected a kind of value from 00 to 0d, got 0e at byte 0"),
        ("02 0401" + "61" * 1025, "a symbol of at most 1024 bytes, got 1025"),
        ("02 0001 ff", "a symbol in UTF-8"),
        ("08 ffffffff", "at most 65536 values, got 4294967295"),
        ("0a 0c 00000001 01 00 00", "kind 00 to 0b, got 0c"),
        ("0a 8b ffffffff 01 00 00", "kind 00 to 0b, got 8b"),
        ("0a 0b ffffffff 01 00 00", "expected 68719476720 bytes"),
        ("09 03 00000001 06", "expected pairs of a simple key"),
        ("09 07 08 00000000 06 06", "expected pairs of a simple key"),
        ("09 07 06 06 03", "expected another entry"),
        ("07" * 1000, "at most 64 levels"),
    ],
)
def test_what_is_no_value_is_refused(data, says):
    with pytest.raises(WireError, match="PMT: .*" + says):
        unpack_pmt(bytes.fromhex(data))


def test_a_message_holds_a_bounded_number_of_values():
    with pytest.raises(WireError, match=f"{MAX_OBJECTS} values"):
        unpack_pmt(b"\x08" + (2).to_bytes(4, "big") + (b"\x08\x00\x00\xff\xff" + b"\x06" * 0xFFFF) * 2)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (object(), "expected None, bool, number"),
        ("é" * 513, "at most 1024 bytes, got 1026"),
        (1 << 63, "a whole number of 64 bits"),
        (Unsigned(-1), "an unsigned number of 64 bits, got -1"),
        (np.zeros((2, 2)), r"a row of .* got float64 \[2, 2\]"),
        (np.zeros(2, np.float16), "got float16"),
    ],
)
def test_what_gnu_radio_could_not_read_is_not_written(value, says):
    with pytest.raises(SignalError, match="PMT: .*" + says):
        pack_pmt(value)


def test_a_value_as_a_line():
    assert pmt_text((Unsigned(5), 0.25)) == "(5, 0.25)"
    assert pmt_text(np.arange(3)) == "[0, 1, 2]"
    assert len(pmt_text(np.arange(10_000), 50)) == 50
