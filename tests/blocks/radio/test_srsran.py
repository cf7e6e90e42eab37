"""`radio/srsran_source` and `radio/srsran_sink` against srsRAN's radio, as its source says that it behaves."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import zmq
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Stream
from semcom.blocks.radio.srsran_sink import SrsranSink
from semcom.blocks.radio.srsran_source import SrsranSource
from semcom.errors import SignalError

from .conftest import first

ITEMS = (np.arange(6) + 1j).astype(np.complex64)
SUBFRAME = 23040  # samples in a millisecond at 23.04 MS/s


class Transmitter:
    """`rf_zmq_imp_tx.c`: REP, bound; any byte asks, and the whole buffer is the answer."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self.requests: list[bytes] = []

    def send(self, samples: np.ndarray) -> None:
        self.requests.append(self.socket.recv())
        self.socket.send(samples.astype("<c8").tobytes())


class Receiver:
    """`rf_zmq_imp_rx.c`: REQ, connected; asks by one byte, until it has as many samples as it wants."""

    def __init__(self, socket: zmq.Socket[bytes], request: bytes) -> None:
        self.socket, self.request = socket, request
        self.ring = np.empty(0, np.complex64)

    def receive(self, count: int) -> np.ndarray:
        while self.ring.size < count:
            self.socket.send(self.request)
            data = self.socket.recv()
            assert len(data) % 8 == 0
            assert len(data) <= 8 * 614_400  # the ring of srsRAN 5G
            self.ring = np.concatenate([self.ring, np.frombuffer(data, "<c8")])
        taken, self.ring = self.ring[:count], self.ring[count:]
        return taken


@pytest.fixture
def started():
    made = []

    def start(block):
        made.append(block)
        block.start()
        return block

    yield start
    for block in made:
        block.stopping = True
        if isinstance(block, SrsranSink):
            block.finish(RunContext())
        else:
            block._receiver.close()


@pytest.mark.parametrize(("generation", "request_byte"), [("4g", b"\xff"), ("5g", b"\x00")])
def test_the_source_asks_as_srsran_does(peer, started, port, generation, request_byte):
    address = f"tcp://127.0.0.1:{port}"
    node = Transmitter(peer(zmq.REP, "bind", address))
    source = started(SrsranSource(SrsranSource.Params(address=address, generation=generation)))
    frames = [np.arange(SUBFRAME) + 1j * k for k in range(3)]
    sending = threading.Thread(target=lambda: [node.send(frame) for frame in (frames[0], np.empty(0), *frames[1:])])
    sending.start()
    got = first(source.work(), 3)
    sending.join(5)
    np.testing.assert_array_equal(np.concatenate([out.value for out in got]), np.concatenate(frames))
    assert got[0].sample_rate_hz == 23.04e6
    assert node.requests == [request_byte] * 4


def test_the_source_counts_what_makes_no_sense(peer, started, port):
    address = f"tcp://127.0.0.1:{port}"
    socket = peer(zmq.REP, "bind", address)
    source = started(SrsranSource(SrsranSource.Params(address=address), name="down"))
    answers = [b"\0" * 12, np.array([1, np.nan], np.complex64).tobytes()]
    sending = threading.Thread(target=lambda: [socket.send(answer) for answer in answers if socket.recv()])
    sending.start()
    (out,) = first(source.work(), 1)
    sending.join(5)
    np.testing.assert_array_equal(out.value, [1, 0])
    assert source.counted == {"refused_messages": 1, "non_finite_samples": 1}


@pytest.mark.parametrize("request_byte", [b"\xff", b"\x00"])
def test_the_sink_answers_as_srsran_wants(peer, started, port, request_byte):
    address = f"tcp://127.0.0.1:{port}"
    sink = started(SrsranSink(SrsranSink.Params(address=address, scale_db=-20)))
    node = Receiver(peer(zmq.REQ, "connect", address), request_byte)
    samples = (10 * np.arange(5 * SUBFRAME)).astype(np.complex64)
    sending = threading.Thread(target=sink.work, args=(samples, Stream(0, 23.04e6)))
    sending.start()
    got = np.concatenate([node.receive(SUBFRAME) for _ in range(5)])
    sending.join(5)
    np.testing.assert_allclose(got, np.arange(5 * SUBFRAME), rtol=1e-6)
    assert sink.counted == {"sent_samples": 5 * SUBFRAME}


def test_samples_that_were_lost_are_sent_as_zeros_since_their_count_is_the_clock(peer, started, port):
    address = f"tcp://127.0.0.1:{port}"
    sink = started(SrsranSink(SrsranSink.Params(address=address)))
    node = Receiver(peer(zmq.REQ, "connect", address), b"\0")
    sending = threading.Thread(target=sink.work, args=(ITEMS, Stream(70_000, 1e6, gap_samples=70_000)))
    sending.start()
    got = node.receive(70_006)
    sending.join(5)
    assert not got[:70_000].any()
    np.testing.assert_array_equal(got[70_000:], ITEMS)
    assert sink.counted == {"filled_samples": 70_000, "sent_samples": 6}


def test_a_gap_that_nobody_takes_is_given_up_when_the_run_is_to_end(started, port):
    sink = started(SrsranSink(SrsranSink.Params(address=f"tcp://127.0.0.1:{port}")))
    sink.stopping = True
    began = time.monotonic()
    sink.work(ITEMS, Stream(10**12, 1e6, gap_samples=10**12))
    assert time.monotonic() - began < 1.0
    assert sink.counted == {"lost_samples": 6}


def test_a_node_that_has_asked_is_answered_when_the_sink_ends(peer, started, port):
    sink = started(SrsranSink(SrsranSink.Params(address=f"tcp://127.0.0.1:{port}")))
    node = peer(zmq.REQ, "connect", f"tcp://127.0.0.1:{port}")
    node.send(b"\xff")
    time.sleep(0.2)
    sink.finish(RunContext())
    assert node.recv() == b""
    sink.start()


def test_a_rate_that_is_not_the_nodes_is_refused(started, port):
    sink = started(SrsranSink(SrsranSink.Params(address=f"tcp://127.0.0.1:{port}", sample_rate_hz=23.04e6)))
    with pytest.raises(SignalError, match=r"expected samples at 2\.304e\+07 Hz, the receiver's rate, got 1e\+06 Hz"):
        sink.work(ITEMS, Stream(0, 1e6))
