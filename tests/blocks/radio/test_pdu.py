"""`radio/pdu_source` and `radio/pdu_sink` against plain sockets and the bytes of GNU Radio's PDUs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time

import numpy as np
import pytest
import zmq
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Identity, State
from semcom.blocks.radio.pdu_sink import PduSink
from semcom.blocks.radio.pdu_source import PduSource
from semcom.sim.notes import note
from semcom.sim.radio_formats.pdu import pack_pdu, unpack_pdu
from semcom.sim.radio_formats.pmt import pack_pmt

from .conftest import first

DATA = np.array([1, 2, 3], np.uint8)
# {seq: 5} and u8 [1, 2, 3], as `pmt.serialize_str` writes them
PDU_5 = bytes.fromhex("07 09 07 0200 03 736571 03 00000005 06 0a 00 00000003 01 00 010203")


@pytest.fixture
def opened():
    made = []

    def open_one(kind, **params):
        made.append(kind(kind.Params(**params), name="pdus"))
        made[-1].start()
        return made[-1]

    yield open_one
    for block in made:
        block.stopping = True
        with contextlib.suppress(zmq.ZMQError):
            block.finish(RunContext()) if isinstance(block, PduSink) else block._receiver.close()


def test_a_pdu_leaves_by_the_port_of_its_type(peer, opened, address):
    sender = peer(zmq.PUSH, "bind", address)
    source = opened(PduSource, address=address)
    values = [DATA, np.array([1 + 2j], np.complex64), np.array([0.5], np.float32)]
    for value in values:
        sender.send(pack_pdu(value))
    got = first(source.work(), 3)
    for out, value, port in zip(got, values, ("bytes", "symbols", "features"), strict=True):
        (left,) = [(name, array) for name, array in out.value._asdict().items() if array is not None]
        assert left[0] == port
        np.testing.assert_array_equal(left[1], value)
        assert left[1].dtype == value.dtype
    assert [out.identity.seq for out in got] == [0, 1, 2]


def test_numbers_and_estimates_are_read_and_what_numbers_leave_out_is_lost(peer, opened, address):
    sender = peer(zmq.PUSH, "bind", address)
    source = opened(PduSource, address=address)
    sender.send(PDU_5)
    for about in ({"seq": 6, "esn0_db": 9.5}, {"seq": 9}, {"seq": "x"}, {"seq": 1}, {}):
        sender.send(pack_pdu(DATA, about))
    got = first(source.work(), 6)
    assert [out.identity.seq for out in got] == [5, 6, 9, 10, 12, 13]
    assert [out.state and out.state.esn0_db for out in got] == [None, 9.5, None, None, None, None]
    assert source.counted == {"lost_pdus": 2 + 1, "restarts": 1}


def test_req_asks_as_gnuradio_does(peer, opened, address):
    replier = peer(zmq.REP, "bind", address)
    work = opened(PduSource, address=address, pattern="req").work()
    while not replier.poll(0):
        next(work)
    assert replier.recv() == bytes.fromhex("01000000")
    replier.send(PDU_5)
    assert first(work, 1)[0].identity.seq == 5


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x0e", "PMT: expected a kind of value"),
        (pack_pmt("hello"), "PDU: expected a pair, got str"),
        (pack_pdu(np.zeros(1, np.int16)), "expected a vector of uint8, complex64 or float32, got int16"),
    ],
)
def test_what_is_no_pdu_is_counted_and_skipped(peer, opened, address, caplog, data, says):
    note.cache_clear()
    sender = peer(zmq.PUSH, "bind", address)
    source = opened(PduSource, address=address)
    with caplog.at_level(logging.WARNING, "semcom"):
        for message in (data, data, PDU_5):
            sender.send(message)
        first(source.work(), 1)
    assert source.counted == {"refused_messages": 2}
    (record,) = caplog.records
    assert says in record.message


def test_the_sink_writes_what_gnuradio_reads(peer, opened, address):
    sink = opened(PduSink, address=address)
    receiver = peer(zmq.PULL, "connect", address)
    sink.work(bytes=DATA, identity=Identity(5), state=State())
    assert receiver.recv() == PDU_5
    sink.work(features=np.ones((2, 3), np.float32), identity=Identity(6), state=State(esn0_db=7.0))
    about, data = unpack_pdu(receiver.recv())
    assert about == {"seq": 6, "esn0_db": 7.0}
    assert data.shape == (6,)
    sink.work(symbols=np.ones(2, np.complex64), identity=Identity(7), state=State())
    assert unpack_pdu(receiver.recv()).data.dtype == np.complex64
    assert sink.counted == {"sent_pdus": 3}


def test_rep_gives_one_pdu_a_request(peer, opened, address):
    sink = opened(PduSink, address=address, pattern="rep")
    asks = peer(zmq.REQ, "connect", address)
    thread = threading.Thread(target=sink.work, kwargs={"bytes": DATA, "identity": Identity(5), "state": State()})
    thread.start()
    asks.send(bytes.fromhex("01000000"))
    assert asks.recv() == PDU_5
    thread.join(5)
    asks.send(bytes.fromhex("01000000"))
    time.sleep(0.2)
    sink.finish(RunContext())
    assert asks.recv() == pack_pmt(None)


@pytest.mark.parametrize("pattern", ["pub", "push", "rep"])
@pytest.mark.parametrize("when_full", ["block", "drop"])
def test_a_pdu_that_nobody_takes_is_counted(opened, address, pattern, when_full):
    sink = opened(PduSink, address=address, pattern=pattern, when_full=when_full)
    sink.stopping = when_full == "block"
    began = time.monotonic()
    for seq in range(200):
        sink.work(bytes=DATA, identity=Identity(seq), state=State())
    assert time.monotonic() - began < 1.0
    assert sink.counted == {"lost_pdus": 200}
