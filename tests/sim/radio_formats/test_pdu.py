"""PDUs against what GNU Radio 3.10.5 wrote."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.errors import WireError
from semcom.sim.radio_formats.pdu import pack_pdu, unpack_pdu
from semcom.sim.radio_formats.pmt import pack_pmt

WITH_LENGTH = bytes.fromhex("07 09 07 0200036c656e 0300000003 06 0a 00 00000003 01 00 010203")
NOTHING_SAID = bytes.fromhex("07 06 0a000000000101 00 01")


def test_pdus_of_gnu_radio():
    data = np.array([1, 2, 3], np.uint8)
    assert pack_pdu(data, {"len": 3}) == WITH_LENGTH
    assert pack_pdu(data[:1]) == NOTHING_SAID
    about, read = unpack_pdu(WITH_LENGTH)
    assert about == {"len": 3}
    np.testing.assert_array_equal(read, data)
    assert read.dtype == np.uint8
    assert unpack_pdu(NOTHING_SAID).about == {}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (3, "expected a pair, got int"),
        ({"a": 1}, "expected a pair, got dict"),
        (bytes.fromhex("07 03 00000001 06"), "dictionary with symbols for keys first, got int"),
        (bytes.fromhex("07 09 07 0300000001 06 06 06"), "dictionary with symbols for keys first"),
        (bytes.fromhex("07 06 06"), "a uniform vector second, got NoneType"),
    ],
)
def test_what_is_no_pdu_is_refused(message, says):
    with pytest.raises(WireError, match="PDU: .*" + says):
        unpack_pdu(message if isinstance(message, bytes) else pack_pmt(message))
