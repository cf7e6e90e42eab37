"""Ten thousand damaged messages to each codec: what comes out is a value or the project's own error."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
from semcom.errors import WireError
from semcom.sim.radio_formats.pdu import pack_pdu, unpack_pdu
from semcom.sim.radio_formats.pmt import Pair, Unsigned, pack_pmt, unpack_pmt
from semcom.sim.radio_formats.requests import pack_credit, unpack_request
from semcom.sim.radio_formats.stream_message import Tag, pack_stream, unpack_stream

VALUES = [
    True,
    None,
    -3,
    2**40,
    Unsigned(2**63),
    0.25,
    1j,
    "key",
    Pair("a", Pair(1, None)),
    [1, [2.0, "x"]],
    (Unsigned(1700000000), 0.5),
    {"rx_time": (Unsigned(5), 0.25), "n": 7},
    np.arange(5, dtype=np.int16),
    np.array([1 + 2j], np.complex64),
]
ITEMS = np.arange(6).astype(np.complex64)
TAGGED = [pack_stream(ITEMS, 100, [Tag(100 + at, "k", value, "s")]) for at, value in enumerate(VALUES)]
CODECS = {
    "pmt": (unpack_pmt, [pack_pmt(value) for value in VALUES]),
    "stream with tags": (partial(unpack_stream, pass_tags=True), TAGGED),
    "stream": (partial(unpack_stream, pass_tags=False), [pack_stream(ITEMS), *TAGGED]),
    "pdu": (unpack_pdu, [pack_pdu(np.arange(4, dtype=np.uint8), {"at": value}) for value in VALUES]),
    "request": (unpack_request, [pack_credit(4096), b"\xff", b"", b"\0" * 8]),
}


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Flip, cut, repeat and insert a few bytes, counts and kinds above all."""
    damaged = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(damaged) + 1)
        match rng.randrange(5):
            case 0:
                damaged[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del damaged[at:]
            case 2:
                damaged[at:at] = damaged[at : at + rng.randint(1, 40)]
            case 3:
                damaged[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            case 4:
                damaged[at:at] = bytes([rng.randrange(14)])
    return bytes(damaged)


@pytest.mark.parametrize("name", CODECS)
def test_damaged_messages_are_read_or_refused_by_name(name):
    read, seeds = CODECS[name]
    rng = random.Random(f"mutated {name}")
    refused = 0
    for _ in range(10_000):
        try:
            read(mutated(rng, rng.choice(seeds)))
        except WireError:
            refused += 1
    assert refused > 100
