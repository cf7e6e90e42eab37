"""`radio/zmq_sink` against plain sockets."""

from __future__ import annotations

import contextlib
import threading
import time

import numpy as np
import pytest
import zmq
from pydantic import ValidationError
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Annotation, Stream
from semcom.blocks.radio.zmq_sink import ZmqSink
from semcom.errors import SignalError
from semcom.sim.radio_formats.pmt import Unsigned
from semcom.sim.radio_formats.stream_message import Tag, unpack_stream

ITEMS = (np.arange(6) + 1j).astype(np.complex64)
BEGIN = Stream()


@pytest.fixture
def opened():
    """Sinks that are finished at the end."""
    made: list[ZmqSink] = []

    def open_one(**params) -> ZmqSink:
        made.append(ZmqSink(ZmqSink.Params(**params), name="tx"))
        made[-1].start()
        return made[-1]

    yield open_one
    for sink in made:
        sink.stopping = True
        with contextlib.suppress(zmq.ZMQError):  # finished already
            sink.finish(RunContext())


def works(sink: ZmqSink, samples=ITEMS, stream=BEGIN) -> threading.Thread:
    """Let a sink work in a thread, as its actor does."""
    thread = threading.Thread(target=sink.work, args=(samples, stream), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(("mine", "other"), [("connect", "bind"), ("bind", "connect")])
def test_push_gives_everything_to_who_pulls(peer, opened, address, mine, other):
    sink = opened(address=address, attach=mine)
    thread = works(sink)
    assert not thread.join(0.2)
    receiver = peer(zmq.PULL, other, address)
    assert receiver.recv() == ITEMS.astype("<c8").tobytes()
    thread.join(5)
    assert sink.counted == {"sent_samples": 6}


def test_pub_waits_for_a_subscriber_of_its_key(peer, opened, address):
    sink = opened(address=address, pattern="pub", key="GNURadio")
    peer(zmq.SUB, "connect", address, SUBSCRIBE=b"other")
    thread = works(sink)
    time.sleep(0.2)
    assert thread.is_alive()
    receiver = peer(zmq.SUB, "connect", address, SUBSCRIBE=b"GNU")
    assert receiver.recv_multipart() == [b"GNURadio", ITEMS.tobytes()]
    thread.join(5)


def test_pub_loses_nothing_to_a_subscriber_that_is_slow(peer, opened, address):
    sink = opened(address=address, pattern="pub", hwm=2, pass_tags=True)
    receiver = peer(zmq.SUB, "connect", address, SUBSCRIBE=b"", RCVHWM=2)
    samples = np.arange(3_000_000).astype(np.complex64)
    thread = works(sink, samples)
    time.sleep(0.5)
    assert thread.is_alive()  # more than all buffers hold
    got = [unpack_stream(receiver.recv(), pass_tags=True) for _ in range(-(-samples.size // 65536))]
    thread.join(5)
    assert [message.offset for message in got] == list(range(0, samples.size, 65536))
    np.testing.assert_array_equal(np.concatenate([message.items for message in got]), samples)


def test_rep_gives_as_many_as_are_asked_for(peer, opened, address):
    sink = opened(address=address, pattern="rep")
    asks = peer(zmq.REQ, "connect", address)
    thread = works(sink)
    sizes = []
    for request in ("02000000", "00000000", "ff", "02000000"):
        asks.send(bytes.fromhex(request))
        if request == "02000000" and len(sizes) == 3:
            break
        sizes.append(len(asks.recv()) // 8)
    assert sizes == [2, 0, 4]
    thread.join(5)
    works(sink, ITEMS[:1]).join(5)  # the last request has waited for more samples
    assert asks.recv() == ITEMS[:1].tobytes()
    assert sink.counted == {"sent_samples": 7}


def test_rep_answers_a_negative_credit_with_nothing_and_counts_it(peer, opened, address):
    sink = opened(address=address, pattern="rep", pass_tags=True)
    asks = peer(zmq.REQ, "connect", address)
    thread = works(sink, stream=Stream(offset=100))
    asks.send(b"\xff" * 4)
    assert unpack_stream(asks.recv(), pass_tags=True)[1] == 100
    asks.send(b"\xff\xff\xff\x7f")
    assert unpack_stream(asks.recv(), pass_tags=True).items.size == 6
    thread.join(5)
    assert sink.counted == {"refused_requests": 1, "sent_samples": 6}


def test_rep_keeps_the_samples_of_who_left_before_the_answer(peer, opened, port):
    sink = opened(address=f"tcp://127.0.0.1:{port}", pattern="rep")
    leaves = peer(zmq.REQ, "connect", f"tcp://127.0.0.1:{port}")
    leaves.send(b"\xff")
    time.sleep(0.2)
    sink._sender.room(0)
    leaves.close()
    time.sleep(0.2)
    stays = peer(zmq.REQ, "connect", f"tcp://127.0.0.1:{port}")
    thread = works(sink)
    stays.send(b"\xff")
    assert stays.recv() == ITEMS.tobytes()
    thread.join(5)


def test_rep_leaves_nobody_without_an_answer(peer, opened, address):
    sink = opened(address=address, pattern="rep", pass_tags=True)
    asks = peer(zmq.REQ, "connect", address)
    asks.send(b"\0\1\0\0")
    time.sleep(0.2)
    sink.finish(RunContext())
    items, offset, _ = unpack_stream(asks.recv(), pass_tags=True)
    assert (items.size, offset) == (0, 0)


def test_annotations_become_tags_where_they_lie(peer, opened, address):
    sink = opened(address=address, pattern="rep", pass_tags=True)
    asks = peer(zmq.REQ, "connect", address)
    notes = (Annotation(1000, "burst_start", 7), Annotation(1003, "esn0_db", 9.5, 3))
    thread = works(sink, stream=Stream(1000, annotations=notes))
    got = []
    for _ in range(2):
        asks.send(b"\3\0\0\0")
        got.append(unpack_stream(asks.recv(), pass_tags=True))
    thread.join(5)
    assert [(one.offset, one.tags) for one in got] == [
        (1000, (Tag(1000, "burst_start", 7),)),
        (1003, (Tag(1003, "esn0_db", 9.5),)),
    ]


@pytest.mark.parametrize("pattern", ["pub", "push", "rep"])
def test_what_nobody_takes_is_dropped_and_counted_where_that_is_said(opened, address, pattern):
    sink = opened(address=address, pattern=pattern, when_full="drop")
    began = time.monotonic()
    for _ in range(10):
        sink.work(ITEMS, Stream())
    assert time.monotonic() - began < 0.5
    assert sink.counted == {"lost_samples": 60}


@pytest.mark.parametrize("pattern", ["pub", "push", "rep"])
def test_a_sink_without_a_peer_gives_up_when_the_run_is_to_end(opened, address, pattern):
    sink = opened(address=address, pattern=pattern)
    threading.Timer(0.1, setattr, (sink, "stopping", True)).start()
    began = time.monotonic()
    for _ in range(200):  # what stands in queues
        sink.work(ITEMS, Stream())
    sink.finish(RunContext())
    assert time.monotonic() - began < 1.0
    assert sink.counted == {"lost_samples": 1200}


def test_what_is_not_finite_is_sent_as_nought_and_counted(peer, opened, address):
    sink = opened(address=address)
    receiver = peer(zmq.PULL, "connect", address)
    sink.work(np.array([1, np.nan, np.inf * 1j], np.complex64), Stream())
    assert receiver.recv() == np.array([1, 0, 0], np.complex64).tobytes()
    assert sink.counted == {"sent_samples": 3, "non_finite_samples": 2}


def test_another_sample_rate_is_refused(opened, address):
    sink = opened(address=address, sample_rate_hz=1e6)
    with pytest.raises(SignalError, match=r"expected samples at 1e\+06 Hz, the receiver's rate, got 2e\+06 Hz"):
        sink.work(ITEMS, Stream(0, 2e6))


def test_a_tag_has_what_pmt_carries():
    assert Tag(0, "rx_time", (Unsigned(1), 0.5)).source is False


def test_a_key_without_pub_is_refused():
    with pytest.raises(ValidationError, match="expected a key with pattern pub alone, got key 'k' with push"):
        ZmqSink.Params(key="k")
