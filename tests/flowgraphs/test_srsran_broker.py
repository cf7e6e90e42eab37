"""`srsran-broker` between emulated nodes of srsRAN, as its source says that they behave; no real one runs here."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time

import numpy as np
import pytest
import zmq
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

SUBFRAME = 2304  # samples; a millisecond at 2.304 MS/s
FRAMES = 12
PORTS = ("gnb_tx", "gnb_rx", "ue1_tx", "ue1_rx", "ue2_tx", "ue2_rx")
REQUESTS = {"4g": b"\xff", "5g": b"\x00"}
IDEAL = ("down1=channels/copy", "down2=channels/copy", "noise=channels/copy")
PATIENCE_MS = 20_000


def own_host() -> str:
    """A loopback address for this process alone: on 127.0.0.1 others may take a port before the broker binds it."""
    pid = os.getpid()  # below 1 << 22
    return f"127.{64 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"


def free_ports(count: int) -> list[int]:
    """Ports of this process that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((own_host(), 0))
        return [one.getsockname()[1] for one in sockets]


class Node(threading.Thread):
    """A node: `tx_port` answers (REP, bound), `rx_port` asks by one byte (REQ, connected), subframe by subframe.

    Args:
        tx, rx: Ports.
        request: What it asks by.
        sent: complex64 ``[frames, subframe]``.
        ahead: Subframes that it sends before it receives the first one: it answers from a thread of its own.
    """

    def __init__(self, tx: int, rx: int, request: bytes, sent: np.ndarray, ahead: int = 0) -> None:
        super().__init__(daemon=True)
        self._tx, self._rx, self._request, self._sent, self._ahead = tx, rx, request, sent, ahead
        self.received = np.empty(0, np.complex64)
        self.requests: set[bytes] = set()

    def run(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        context.setsockopt(zmq.LINGER, PATIENCE_MS)  # a node does not leave before its last subframe has gone
        context.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
        replies, asks = context.socket(zmq.REP), context.socket(zmq.REQ)
        try:
            replies.bind(f"tcp://{own_host()}:{self._tx}")
            asks.connect(f"tcp://{own_host()}:{self._rx}")
            for number, frame in enumerate(self._sent):
                self.requests.add(replies.recv())
                replies.send(frame.tobytes())
                if number >= self._ahead:
                    self._receive(asks, (number + 1 - self._ahead) * frame.size)
        finally:
            context.destroy()

    def _receive(self, asks: zmq.Socket[bytes], count: int) -> None:
        while self.received.size < count:
            asks.send(self._request)
            self.received = np.append(self.received, np.frombuffer(asks.recv(), "<c8"))


class Network:
    """A broker and the nodes at it.

    Args:
        generation: Of srsRAN.
        swaps: Other channels in the flowgraph.
        ahead: See `Node`.
    """

    def __init__(self, generation: str, *, swaps: tuple[str, ...] = IDEAL, ahead: int = 0) -> None:
        self.ports = free_ports(len(PORTS))
        where = dict(zip(PORTS, self.ports, strict=True))
        sets = tuple(f"{name}.address=tcp://{own_host()}:{port}" for name, port in where.items())
        given = Overrides.parse(vars=(f"generation={generation}", "sample_rate_hz=2.304e6"), sets=sets, swaps=swaps)
        self._graph = load_graph("srsran-broker", given)
        self._results: list[RunResult] = []
        self._thread = threading.Thread(
            target=lambda: self._results.append(run(self._graph, RunOptions("threads"))), daemon=True
        )
        rng = np.random.default_rng(3)
        sent = rng.integers(-99, 99, (3, FRAMES, SUBFRAME, 2)).astype(np.float32).view(np.complex64)[..., 0]
        self.sent = dict(zip(("gnb", "ue1", "ue2"), sent, strict=True))
        self.nodes = {
            name: Node(where[f"{name}_tx"], where[f"{name}_rx"], REQUESTS[generation], self.sent[name], ahead)
            for name in self.sent
        }

    def start(self, order: tuple[str, ...], pause_s: float = 0.0) -> None:
        for name in order:
            (self._thread if name == "broker" else self.nodes[name]).start()
            time.sleep(pause_s)

    def end(self) -> RunResult:
        for name, node in self.nodes.items():
            node.join(30)
            assert not node.is_alive(), f"{name} waits"
        request(None, {"do": "stop"})
        self._thread.join(20)
        return self._results[0]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


ORDERS = [
    ("broker", "gnb", "ue1", "ue2"),
    ("ue2", "ue1", "gnb", "broker"),
    ("gnb", "ue1", "broker", "ue2"),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("generation", REQUESTS)
def test_downlink_reaches_both_and_the_uplinks_are_summed_whoever_comes_first(generation, order):
    network = Network(generation)
    network.start(order, pause_s=0.3)
    result = network.end()
    for name in ("ue1", "ue2"):
        np.testing.assert_array_equal(network.nodes[name].received, network.sent["gnb"].reshape(-1))
    both = (network.sent["ue1"] + network.sent["ue2"]).reshape(-1)
    np.testing.assert_array_equal(network.nodes["gnb"].received, both)
    assert all(node.requests == {REQUESTS[generation]} for node in network.nodes.values())
    assert result.status == "stopped"
    assert not result.lossy


def test_the_ports_are_not_taken_while_they_wait_for_their_owners():
    """Once a subframe did not come: where nodes are first, the broker's ports stay free for a second."""
    network = Network("4g")
    with contextlib.ExitStack() as stack:
        for port in network.ports:
            other = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # taken by somebody else: as good
                other.bind(("127.0.0.1", port))
        network.start(ORDERS[1])
        assert network.end().status == "stopped"


def test_the_noise_is_that_which_is_asked_for():
    """Of 27,648 samples the mean energy varies by its 166th part."""
    network = Network("5g", swaps=("down1=channels/copy",))
    network.start(ORDERS[0])
    network.end()
    for name, node in network.nodes.items():
        sent = network.sent["gnb"] if name != "gnb" else network.sent["ue1"] + network.sent["ue2"]
        error = np.mean(np.abs(node.received - sent.reshape(-1)) ** 2)
        assert error == pytest.approx(0 if name == "ue1" else 1e-4, rel=5 / 166)


def test_a_channel_that_holds_samples_back_needs_nodes_that_send_ahead():
    """The line of `channels/tdl_samples` gives sample n when n + 8 is there."""
    fading = "channels/tdl_samples:profile=A,delay_spread_ns=300,doppler_hz=5"
    network = Network("5g", swaps=(f"down1={fading}", f"up2={fading}", *IDEAL[1:]), ahead=2)
    network.start(ORDERS[0])
    network.end()
    count = (FRAMES - 2) * SUBFRAME
    assert all(node.received.size >= count for node in network.nodes.values())
    np.testing.assert_array_equal(network.nodes["ue2"].received[:count], network.sent["gnb"].reshape(-1)[:count])
    faded = network.nodes["ue1"].received[:count]
    assert 0.02 < np.mean(np.abs(faded) ** 2) / np.mean(np.abs(network.sent["gnb"]) ** 2) < 10
    assert np.any(faded != network.nodes["ue2"].received[:count])
