from __future__ import annotations

import os
import signal
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq
from semcom.blocks.envelope import Envelope, Header, HeaderEntry, Identity, State, Trace
from semcom.errors import EdgeError, HelloRefused
from semcom.flowgraphs.runtime.edges.bounds import MAX_FRAME_BYTES
from semcom.flowgraphs.runtime.edges.encode_items import item_bytes
from semcom.flowgraphs.runtime.edges.ends import END
from semcom.flowgraphs.runtime.edges.messages import Contract, Ping, encode
from semcom.flowgraphs.runtime.edges.socket_receiver import SocketReceiver
from semcom.flowgraphs.runtime.edges.socket_sender import SocketSender

CONTRACT = Contract(graph="g", edge=0, source="a.out", target="b.in", port="Features")
DEADLINE_S = 30.0

RECEIVER = """
import os, sys, zmq
from semcom.blocks.envelope import Identity
from semcom.flowgraphs.runtime.edges.ends import END
from semcom.flowgraphs.runtime.edges.socket_receiver import SocketReceiver
from semcom.flowgraphs.runtime.edges.messages import Contract

endpoint, path = sys.argv[1:]
contract = Contract(graph="g", edge=0, source="a.out", target="b.in", port="Features")
log = open(path, "a+")
log.seek(0)
lines = log.read().split()
after = Identity(int(lines[-1])) if lines else None
context = zmq.Context()
receiver = SocketReceiver(context, endpoint, contract, depth=8, after=after)
while not receiver.done:
    receiver.service()
    item = receiver.take()
    if item is None:
        receiver.socket.poll(20)
    elif item is END:
        receiver.commit_end()
    else:
        n, envelope, array = item
        if array[0] != envelope.identity.seq:
            raise SystemExit(f"item {envelope.identity.seq} holds {array[0]}")
        log.write(f"{envelope.identity.seq}\\n")
        log.flush()
        receiver.committed(n)
receiver.close()
context.term()
"""

SENDER = """
import sys, numpy as np, zmq
from semcom.blocks.envelope import Envelope, Identity
from semcom.flowgraphs.runtime.edges.socket_sender import SocketSender
from semcom.flowgraphs.runtime.edges.messages import Contract

endpoint, count, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
contract = Contract(graph="g", edge=0, source="a.out", target="b.in", port="Features")
context = zmq.Context()
sender = SocketSender(context, endpoint, contract, depth=8)
def wait():
    sender.socket.poll(20, zmq.POLLIN | (zmq.POLLOUT if sender.wants_out else 0))
    sender.service()
for seq in range(count):
    while not sender.try_send(Envelope(Identity(seq)), np.full(100, seq, np.float32)):
        wait()
    if pause and seq % 50 == 0:
        wait()
sender.end()
while not sender.done:
    wait()
sender.close()
context.term()
"""


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    left = list(context._sockets or ())
    context.destroy(linger=0)
    assert not [socket for socket in left if not socket.closed], "a test left sockets open"


@pytest.fixture
def opened(context: zmq.Context[Any]) -> Iterator[Callable[[Any], Any]]:
    ends: list[Any] = []

    def keep(end: Any) -> Any:
        ends.append(end)
        return end

    yield keep
    for end in ends:
        end.close()


@pytest.fixture(params=["tcp", "ipc"])
def endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/e" if request.param == "ipc" else f"tcp://127.0.0.1:{free_port()}"


def free_port() -> int:
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def item(seq: int, size: int = 16) -> tuple[Envelope, Any]:
    return Envelope(Identity(seq)), np.full(size, seq, np.float32)


def poll(*ends: Any) -> None:
    poller = zmq.Poller()
    for end in ends:
        poller.register(end.socket, zmq.POLLIN | (zmq.POLLOUT if getattr(end, "wants_out", False) else 0))
    poller.poll(20)
    for end in ends:
        end.service()


def until(condition: Callable[[], bool], *ends: Any) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError([vars(end.protocol) for end in ends])
        poll(*ends)


def everything(sender: SocketSender, receiver: SocketReceiver, items: list[tuple[Envelope, Any]]) -> list[Any]:
    """Send the items and the end; return what was received."""
    got: list[Any] = []
    todo = list(items)

    def step() -> bool:
        while todo and sender.try_send(*todo[0]):
            todo.pop(0)
        if not todo:
            sender.end()
        while (item := receiver.take()) is not None:
            if item is END:
                receiver.commit_end()
            else:
                got.append(item)
                receiver.committed(item[0])  # type: ignore[index]
        return sender.done and receiver.done

    until(step, sender, receiver)
    return got


@pytest.mark.parametrize("size", [1, 16, 1 << 14, 1 << 20])
def test_items_cross_in_order_and_both_ends_are_done(
    context: zmq.Context[Any], opened: Callable[[Any], Any], endpoint: str, size: int
) -> None:
    receiver = opened(SocketReceiver(context, endpoint, CONTRACT, depth=8))
    sender = opened(SocketSender(context, endpoint, CONTRACT, depth=8))
    count = 3000 if size < 100 else 40
    got = everything(sender, receiver, [item(seq, size) for seq in range(count)])
    assert [envelope.identity.seq for _, envelope, _ in got] == list(range(count))
    assert all(array.size == size and np.all(array == seq) for seq, (_, _, array) in enumerate(got))
    assert all(array.flags.aligned and not array.flags.writeable for _, _, array in got)
    assert (sender.sent, receiver.received) == (count, count)
    assert (sender.garbage, receiver.garbage, receiver.protocol.garbage, receiver.protocol.doubles) == (0, 0, 0, 0)


def test_the_whole_envelope_crosses(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=8))
    sender = opened(SocketSender(context, receiver.endpoint, CONTRACT, depth=8))
    envelope = Envelope(
        Identity(3, 1, False),
        header=Header({"ImageShape": HeaderEntry(32, b"1234")}),
        state=State(n0=np.ones(5, np.float32), h=np.full(5, 1j, np.complex64), esn0_db=10.0, csi="perfect"),
        trace=Trace(label="kodim01", born_s=2.5),
    )
    [(_, got, _)] = everything(sender, receiver, [(envelope, np.zeros((2, 3), np.float32))])
    assert (got.identity, got.trace, dict(got.header)) == (envelope.identity, envelope.trace, dict(envelope.header))
    np.testing.assert_array_equal(got.state.n0, envelope.state.n0)
    np.testing.assert_array_equal(got.state.h, envelope.state.h)
    assert item_bytes(got, np.zeros(0)) == 60


def test_one_item_that_comes_alone_is_sent_at_once(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=8))
    sender = opened(SocketSender(context, receiver.endpoint, CONTRACT, depth=8))
    until(lambda: sender.protocol.greeted, sender, receiver)
    time.sleep(0.01)
    assert sender.try_send(*item(0))
    assert not sender.wants_out
    until(lambda: receiver.waiting == 1, receiver)


def test_a_sender_without_a_receiver_holds_a_window_and_says_no(
    context: zmq.Context[Any], opened: Callable[[Any], Any]
) -> None:
    sender = opened(SocketSender(context, f"tcp://127.0.0.1:{free_port()}", CONTRACT, depth=3))
    large = [item(seq, 1 << 16) for seq in range(4)]
    assert [sender.try_send(*one) for one in large] == [True, True, True, False]
    assert not sender.room
    begin = time.monotonic()
    sender.service()
    assert time.monotonic() - begin < 1


def test_a_slow_receiver_holds_the_sender_back(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=3))
    sender = opened(SocketSender(context, receiver.endpoint, CONTRACT, depth=3))
    until(lambda: sender.protocol.greeted, sender, receiver)
    sent = 0
    for _ in range(30):
        while sender.try_send(*item(sent, 1 << 16)):
            sent += 1
        poll(sender, receiver)
    assert sent == 3
    n, _, _ = receiver.take()
    receiver.consumed(n)
    until(lambda: sender.room, sender, receiver)


def test_drop_oldest_never_says_no(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=4, overflow="drop_oldest"))
    sender = opened(SocketSender(context, receiver.endpoint, CONTRACT, depth=4, overflow="drop_oldest"))
    until(lambda: sender.protocol.greeted, sender, receiver)
    for seq in range(100):
        assert sender.try_send(*item(seq))
    got = everything(sender, receiver, [])
    seqs = [envelope.identity.seq for _, envelope, _ in got]
    assert seqs == sorted(set(seqs))
    assert seqs[-1] == 99
    assert len(seqs) + sender.dropped == 100
    assert sender.dropped > 0


def test_drop_oldest_delivers_to_a_peer_while_its_owner_only_puts(
    context: zmq.Context[Any], opened: Callable[[Any], Any]
) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=2, overflow="drop_oldest"))
    sender = opened(SocketSender(context, receiver.endpoint, CONTRACT, depth=2, overflow="drop_oldest"))
    taken = 0
    deadline = time.monotonic() + 20
    seq = 0
    while taken < 5 and time.monotonic() < deadline:
        assert sender.try_send(*item(seq))  # and never `service`
        seq += 1
        time.sleep(0.005)
        receiver.service()
        if (got := receiver.take()) is not None:
            receiver.consumed(got[0])
            receiver.committed(got[0])
            taken += 1
    assert taken == 5


def test_both_ends_refuse_a_peer_with_another_contract(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=8))
    other = msgspec.structs.replace(CONTRACT, port="Image")
    sender = opened(SocketSender(context, receiver.endpoint, other, depth=8))
    reason = "port type: the receiver expects Features, the sender has Image"
    with pytest.raises(HelloRefused, match=reason):
        until(lambda: False, sender, receiver)
    receiver.socket.poll(10)
    receiver.service()  # sends the refusal, raises no more
    with pytest.raises(HelloRefused, match=reason):
        until(lambda: False, sender)


def test_a_port_in_use_is_one_sentence(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=8))
    with pytest.raises(EdgeError) as caught:
        SocketReceiver(context, receiver.endpoint, CONTRACT, depth=8)
    assert str(caught.value) == (
        f"edge a.out -> b.in: {receiver.endpoint}: the port is already in use; stop the program that has it, "
        "or give this place another endpoint"
    )


@pytest.mark.parametrize(
    "where", ["nonsense", "tcp://127.0.0.1:99999", "ipc:///no/such/folder/e", "tcp://8.8.8.8:5555"]
)
def test_an_endpoint_that_cannot_be_bound_says_what_is_expected(context: zmq.Context[Any], where: str) -> None:
    with pytest.raises(
        EdgeError, match=f"edge a.out -> b.in: cannot listen on {where}: .*; expected tcp://ADDRESS:PORT"
    ):
        SocketReceiver(context, where, CONTRACT, depth=8)


def test_an_endpoint_that_cannot_be_connected_says_what_is_expected(context: zmq.Context[Any]) -> None:
    with pytest.raises(EdgeError, match=r"cannot connect to nonsense: .*; expected tcp://HOST:PORT or ipc://PATH"):
        SocketSender(context, "nonsense", CONTRACT, depth=8)


def test_garbage_and_strangers_do_not_disturb_the_peer(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=8))
    sender = opened(SocketSender(context, receiver.endpoint, CONTRACT, depth=8))
    strangers = [context.socket(zmq.DEALER) for _ in range(3)]
    raw = sockets.create_connection(("127.0.0.1", int(receiver.endpoint.rsplit(":", 1)[1])))
    try:
        for stranger in strangers:
            stranger.linger = 0
            stranger.connect(receiver.endpoint)
        rng = np.random.default_rng(0)

        def bother() -> None:
            for stranger in strangers:
                for frames in ([rng.bytes(40)], [b""] * 50, encode(Ping(5, 0)), [b"\xff"] * 3):
                    for _ in range(3):
                        try:
                            stranger.send_multipart(frames, zmq.NOBLOCK)
                        except zmq.Again:
                            break

        raw.sendall(rng.bytes(5000))
        got: list[int] = []
        for seq in range(300):
            bother()
            until(lambda seq=seq: sender.try_send(*item(seq)), sender, receiver)  # type: ignore[misc]
            poll(sender, receiver)
            while (one := receiver.take()) is not None:
                got.append(one[1].identity.seq)
                receiver.committed(one[0])
        rest = everything(sender, receiver, [])
        assert got + [envelope.identity.seq for _, envelope, _ in rest] == list(range(300))
        assert receiver.garbage > 100
    finally:
        raw.close()
        for stranger in strangers:
            stranger.close()


def test_an_oversized_frame_is_stopped_by_the_socket(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=8))
    assert receiver.socket.getsockopt(zmq.MAXMSGSIZE) == MAX_FRAME_BYTES
    port = int(receiver.endpoint.rsplit(":", 1)[1])
    with sockets.create_connection(("127.0.0.1", port)) as raw:
        raw.settimeout(10)
        raw.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16 + 32))  # ZMTP 3.0 greeting
        raw.sendall(b"\x04\x26\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"[:40])
        raw.sendall(b"\x02" + (1 << 40).to_bytes(8, "big"))  # a frame of a tebibyte
        while raw.recv(4096):
            receiver.service()
    assert receiver.take() is None


def test_nothing_blocks_when_the_peer_stops_reading(context: zmq.Context[Any], opened: Callable[[Any], Any]) -> None:
    receiver = opened(SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=1000))
    sender = opened(SocketSender(context, receiver.endpoint, CONTRACT, depth=1000))
    until(lambda: sender.protocol.greeted, sender, receiver)
    begin = time.monotonic()
    count = 0
    while sender.try_send(*item(count, 1 << 16)):  # 256 KiB each, nobody reads: the sockets fill up
        count += 1
    assert count == 1000
    assert time.monotonic() - begin < 10
    assert sender.wants_out
    got = everything(sender, receiver, [])
    assert [envelope.identity.seq for _, envelope, _ in got] == list(range(1000))


def run(code: str, *args: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)])


def lines(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_a_receiver_killed_again_and_again_gets_every_item_once(
    context: zmq.Context[Any], opened: Callable[[Any], Any], endpoint: str, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    sender = opened(SocketSender(context, endpoint, CONTRACT, depth=8))
    count, seq = 60_000, 0
    child = run(RECEIVER, endpoint, path)
    try:
        for kill in range(3):
            goal = 1 + len(lines(path)) + 3000 * kill
            deadline = time.monotonic() + DEADLINE_S
            while len(lines(path)) < goal:
                assert time.monotonic() < deadline
                for _ in range(500):
                    seq += seq < count and sender.try_send(*item(seq, 100))
                poll(sender)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            child = run(RECEIVER, endpoint, path)
        while seq < count:
            until(lambda seq=seq: sender.try_send(*item(seq, 100)), sender)  # type: ignore[misc]
            seq += 1
        sender.end()
        until(lambda: sender.done, sender)
        sender.close()
        assert child.wait(DEADLINE_S) == 0
    finally:
        child.kill()
        child.wait()
    assert lines(path) == list(range(count))
    assert sender.protocol.resent > 0


def test_a_sender_killed_and_started_again_doubles_nothing(
    context: zmq.Context[Any], opened: Callable[[Any], Any], endpoint: str
) -> None:
    receiver = opened(SocketReceiver(context, endpoint, CONTRACT, depth=8))
    got: list[int] = []
    finished = False

    def take() -> None:
        nonlocal finished
        while (one := receiver.take()) is not None:
            if one is END:
                finished = True
                receiver.commit_end()
            else:
                assert one[2][0] == one[1].identity.seq
                got.append(one[1].identity.seq)
                receiver.committed(one[0])

    def reached(goal: int) -> bool:
        take()
        return finished if goal < 0 else len(got) >= goal

    count = 20_000
    child = run(SENDER, endpoint, count, 1)
    try:
        until(lambda: reached(500), receiver)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        before = len(got)
        child = run(SENDER, endpoint, count, 0)
        until(lambda: reached(-1), receiver)
        until(lambda: receiver.done, receiver)
        assert child.wait(DEADLINE_S) == 0
    finally:
        child.kill()
        child.wait()
    assert got == list(range(count))
    assert before < count
    assert receiver.protocol.doubles >= before
