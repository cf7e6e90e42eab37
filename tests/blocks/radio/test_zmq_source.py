"""`radio/zmq_source` against plain sockets."""

from __future__ import annotations

import itertools
import logging
import time

import numpy as np
import pytest
import zmq
from pydantic import ValidationError
from semcom.blocks.envelope import Annotation
from semcom.blocks.radio import _receivers
from semcom.blocks.radio.zmq_source import ZmqSource
from semcom.errors import RunError, SignalError
from semcom.sim.notes import note
from semcom.sim.radio_formats.pmt import Unsigned
from semcom.sim.radio_formats.stream_message import Tag, pack_stream

from .conftest import first

ITEMS = (np.arange(6) + 1j).astype(np.complex64)


@pytest.fixture(autouse=True)
def fresh_notes():
    note.cache_clear()


@pytest.fixture
def opened():
    """Sources that are given back at the end."""
    made: list[ZmqSource] = []

    def open_one(**params) -> ZmqSource:
        made.append(ZmqSource(ZmqSource.Params(**params), name="rx"))
        made[-1].start()
        return made[-1]

    yield open_one
    for source in made:
        source._receiver.close()


def asked(work, replier: zmq.Socket[bytes]) -> bytes:
    """Let a source work until its request has come."""
    while not replier.poll(0):
        assert next(work) is None
    return replier.recv()


@pytest.mark.parametrize(("mine", "other"), [("connect", "bind"), ("bind", "connect")])
def test_pull_takes_what_is_pushed(peer, opened, address, mine, other):
    source = opened(address=address, attach=mine, sample_rate_hz=2e6)
    sender = peer(zmq.PUSH, other, address)
    for piece in (ITEMS[:4], ITEMS[4:]):
        sender.send(piece.tobytes())
    got = first(source.work(), 2)
    np.testing.assert_array_equal(np.concatenate([out.value for out in got]), ITEMS)
    assert [(out.offset, out.sample_rate_hz) for out in got] == [(0, 2e6), (4, 2e6)]
    assert all(out.value.flags.aligned for out in got)


@pytest.mark.parametrize("key", ["GNURadio", "GNU"])
def test_sub_takes_the_messages_of_a_key_and_those_that_begin_with_it(peer, opened, address, key):
    sender = peer(zmq.XPUB, "bind", address)
    source = opened(address=address, pattern="sub", key=key)
    assert sender.recv() == b"\x01" + key.encode()
    sender.send_multipart([b"another", ITEMS[:1].tobytes()])
    sender.send_multipart([b"GNURadio", ITEMS.tobytes()])
    (out,) = first(source.work(), 1)
    np.testing.assert_array_equal(out.value, ITEMS)


def test_req_asks_with_its_credit_for_every_message(peer, opened, address):
    replier = peer(zmq.REP, "bind", address)
    work = opened(address=address, pattern="req", credit=3).work()
    for piece in (ITEMS[:3], ITEMS[:0], ITEMS[3:5], ITEMS):  # empty, short and long answers are legal
        assert asked(work, replier) == bytes.fromhex("03000000")
        replier.send(piece.tobytes())
        if piece.size:
            (out,) = first(work, 1)
            np.testing.assert_array_equal(out.value, piece)
        else:
            next(work)


def test_req_asks_again_when_its_peer_died_with_the_question(peer, opened, port):
    address = f"tcp://127.0.0.1:{port}"
    source = opened(address=address, pattern="req")
    work = source.work()
    dies = peer(zmq.REP, "bind", address)
    asked(work, dies)
    dies.close()
    assert next(work) is None
    comes_back = peer(zmq.REP, "bind", address)
    asked(work, comes_back)
    comes_back.send(ITEMS.tobytes())
    (out,) = first(work, 1)
    np.testing.assert_array_equal(out.value, ITEMS)
    assert source.counted["asked_again"] == 1


def test_req_reads_what_its_peer_answered_before_it_left(peer, opened, port):
    address = f"tcp://127.0.0.1:{port}"
    source = opened(address=address, pattern="req")
    work = source.work()
    leaves = peer(zmq.REP, "bind", address)
    asked(work, leaves)
    leaves.send(ITEMS.tobytes())
    leaves.close()
    time.sleep(0.5)  # the source is busy elsewhere meanwhile
    (out,) = first(itertools.islice(work, 40), 1)
    np.testing.assert_array_equal(out.value, ITEMS)
    assert "asked_again" not in source.counted


def test_pull_reads_what_was_pushed_before_the_peer_left(peer, opened, port):
    address = f"tcp://127.0.0.1:{port}"
    work = opened(address=address).work()
    leaves = peer(zmq.PUSH, "bind", address)
    leaves.send(ITEMS[:3].tobytes())
    first(work, 1)
    leaves.send(ITEMS[3:].tobytes())
    leaves.close()
    time.sleep(0.5)
    (out,) = first(itertools.islice(work, 40), 1)
    np.testing.assert_array_equal(out.value, ITEMS[3:])


def test_tags_become_annotations_and_numbers_prove_what_is_lost(peer, opened, address):
    sender = peer(zmq.PUSH, "bind", address)
    source = opened(address=address, pass_tags=True)
    tags = [
        Tag(102, "burst", 7),
        Tag(101, "rx_time", (Unsigned(5), 0.25)),
        Tag(103, 4, None),
        Tag(99, "early", 1),
        Tag(105, "late", 1),
    ]
    sender.send(pack_stream(ITEMS[:5], 100, tags))
    sender.send(pack_stream(ITEMS, 205))
    sender.send(pack_stream(ITEMS, 30))
    one, two, three = first(source.work(), 3)
    assert one.annotations == (
        Annotation(1, "rx_time", "(5, 0.25)"),
        Annotation(2, "burst", 7),
        Annotation(3, "4", None),
    )
    assert (one.offset, two.offset, two.annotations) == (0, 105, ())
    assert (three.offset, three.annotations) == (141, (Annotation(0, "sender_restart"),))
    assert source.counted == {"joined_at_sample": 100, "unplaced_tags": 2, "lost_samples": 130, "restarts": 1}


def test_what_is_not_finite_becomes_nought_and_is_counted(peer, opened, address):
    sender = peer(zmq.PUSH, "bind", address)
    source = opened(address=address)
    sent = np.array([1, np.nan, 2 + 1j * np.inf, 3j], np.complex64)
    sender.send(sent.tobytes())
    (out,) = first(source.work(), 1)
    np.testing.assert_array_equal(out.value, [1, 0, 0, 3j])
    assert source.counted == {"non_finite_samples": 2}


@pytest.mark.parametrize(
    ("params", "frames", "says"),
    [
        ({}, [b"\0" * 12], "expected a multiple of 8 bytes (complex items), got 12"),
        ({}, [pack_stream(ITEMS, 0)], "got a tag header; set pass_tags at both ends or at neither"),
        ({"pass_tags": True}, [ITEMS.tobytes()], "set pass_tags at both ends or at neither"),
        ({}, [b"key", ITEMS.tobytes()], "expected data alone, got 2 frames, the first b'key'; give both ends the same"),
        ({"pattern": "sub", "key": "k"}, [b"k" * 48], "expected a key and data, got 1 frames"),
        ({"pass_tags": True}, [b""], "expected a tag header of 19 bytes, got 0"),
        ({}, [b"\0" * 8] * 50, "expected data alone, got 8 frames"),
    ],
)
def test_a_message_that_makes_no_sense_is_counted_and_skipped(peer, opened, address, caplog, params, frames, says):
    source = opened(address=address, **params)
    if params.get("pattern") == "sub":
        sender = peer(zmq.XPUB, "bind", address)
        sender.recv()
    else:
        sender = peer(zmq.PUSH, "bind", address)
    work = source.work()
    with caplog.at_level(logging.WARNING, "semcom"):
        for _ in range(3):
            sender.send_multipart(frames)
        good = pack_stream(ITEMS, 0 if source.params.pass_tags else None)
        sender.send_multipart([b"k", good] if source.params.key else [good])
        (out,) = first(work, 1)
    np.testing.assert_array_equal(out.value, ITEMS)
    assert source.counted["refused_messages"] == 3
    (record,) = caplog.records  # once, however often it happens
    assert record.message.startswith("block 'rx': ")
    assert says in record.message


def test_a_key_that_brings_nothing_is_told(peer, opened, address, caplog, monkeypatch):
    monkeypatch.setattr(_receivers, "SILENCE_S", 0.2)
    sender = peer(zmq.PUB, "bind", address)
    source = opened(address=address, pattern="sub", key="GNURadio")
    with caplog.at_level(logging.WARNING, "semcom"):
        for _ in itertools.islice(source.work(), 20):
            sender.send(ITEMS.tobytes())
    assert [record.message for record in caplog.records] == [
        f"{address}: connected for 0.2 s, and no message with the key 'GNURadio' came; the sender may have another "
        "key, or none"
    ]


def test_a_sender_of_another_rate_is_refused(peer, opened, address):
    sender = peer(zmq.PUSH, "bind", address)
    source = opened(address=address, pass_tags=True, sample_rate_hz=1e6)
    sender.send(pack_stream(ITEMS, 0, [Tag(0, "rx_rate", 1e6)]))
    sender.send(pack_stream(ITEMS, 6, [Tag(8, "rx_rate", 2e6)]))
    work = source.work()
    first(work, 1)
    with pytest.raises(SignalError, match=r"a sender at 1e\+06 Hz, got 2e\+06 Hz \(its tag rx_rate\); set"):
        first(work, 1)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"key": "k"}, "expected a key with pattern sub alone, got key 'k' with pull"),
        ({"credit": -1}, "greater than or equal to 1"),
        ({"credit": 2**31}, "less than or equal to 2147483647"),
        (
            {"address": "udp://x:1"},
            "expected tcp://host:port, with a port of 1 to 65535, or ipc://path, got 'udp://x:1'",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params, says):
    with pytest.raises(ValidationError, match=says):
        ZmqSource.Params(**params)


def test_an_address_that_is_taken_is_told(peer, port):
    address = f"tcp://127.0.0.1:{port}"
    peer(zmq.PULL, "bind", address)
    with pytest.raises(RunError, match=f"{address}: cannot bind: Address already in use; one end binds"):
        ZmqSource(ZmqSource.Params(address=address, attach="bind")).start()


def test_a_source_that_is_dropped_gives_its_address_back(peer, opened, port):
    address = f"tcp://127.0.0.1:{port}"
    source = ZmqSource(ZmqSource.Params(address=address, attach="bind"))
    source.start()
    del source
    opened(address=address, attach="bind")
