"""`stop` gets through to radio blocks within a second: without a peer, with a frozen one, with a slow one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

PEER = Path(__file__).with_name("radio_peer.py")
KINDS = {"pub": "SUB", "push": "PULL", "rep": "REQ", "sub": "PUB", "pull": "PUSH", "req": "REP"}
STOPPED_S = 2.0
"""One, and one more for a machine whose cores run other tests too; benchmarks/zmq_radio times it on a quiet one."""


@pytest.fixture
def start_peer():
    """Processes that are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(pattern: str, attach: str, address: str, pause_s: float) -> subprocess.Popen[bytes]:
        words = [sys.executable, str(PEER), KINDS[pattern], attach, address, str(pause_s)]
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def begun(text: str, executor: str) -> tuple[threading.Thread, list[RunResult]]:
    """Run a flowgraph in a thread; returns once it runs."""
    Path("stop.yaml").write_text(text)
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(load_graph("stop.yaml"), RunOptions(executor))))
    thread.start()
    while True:
        try:
            if request(None, {"do": "status"})["running"]:
                return thread, results
        except Exception:
            time.sleep(0.05)


def check_stop(text: str, executor: str, peers: list[subprocess.Popen[bytes]], state: str) -> RunResult:
    thread, results = begun(text, executor)
    for process in peers:
        assert process.stdout.readline() == b"met\n"
        if state == "frozen":
            os.kill(process.pid, signal.SIGSTOP)
    time.sleep(0.3)  # buffers fill
    began = time.monotonic()
    request(None, {"do": "stop"})
    thread.join(20)
    took_s = time.monotonic() - began
    assert results[0].status == "stopped"
    assert took_s < STOPPED_S
    return results[0]


@pytest.mark.parametrize("state", ["absent", "frozen", "slow"])
@pytest.mark.parametrize(("out", "into"), [("push", "pull"), ("pub", "sub"), ("rep", "req")])
def test_zmq_blocks_stop(start_peer, state, out, into):
    text = f"""
semcom: 1
name: stop
blocks:
  tone: {{use: sources/tone, sample_rate_hz: 1e6, chunk: 8192}}
  tx:   {{use: radio/zmq_sink, address: "ipc://tx", pattern: {out}, hwm: 4}}
  rx:   {{use: radio/zmq_source, address: "ipc://rx", pattern: {into}, hwm: 4}}
  end:  {{use: sinks/null}}
connect:
  - tone -> tx
  - rx -> end
"""
    pause_s = 0.4 if state == "slow" else 0.0
    peers = []
    if state != "absent":
        peers = [start_peer(out, "connect", "ipc://tx", pause_s), start_peer(into, "bind", "ipc://rx", pause_s)]
    result = check_stop(text, "threads", peers, state)
    assert result.lossy == bool(result.blocks["tx"].counted.get("lost_samples"))


@pytest.mark.parametrize("state", ["absent", "frozen", "slow"])
def test_srsran_and_pdu_blocks_stop(start_peer, state):
    text = """
semcom: 1
name: stop
blocks:
  tone:   {use: sources/tone, sample_rate_hz: 1e6, chunk: 8192}
  up:     {use: radio/srsran_sink, address: "ipc://up"}
  down:   {use: radio/srsran_source, address: "ipc://down"}
  end:    {use: sinks/null}
  pictures: {use: sources/images, size: [64, 64], repeat: null}
  coder:  {use: encoders/image_codec, codec: jpeg2000, cbr: 0.5}
  pdus:   {use: radio/pdu_sink, address: "ipc://pdus"}
  back:   {use: radio/pdu_source, address: "ipc://back"}
  here:   {use: sinks/null}
connect:
  - tone -> up
  - down -> end
  - pictures -> coder -> pdus
  - back.bytes -> here
"""
    peers = []
    if state != "absent":
        pause_s = 0.4 if state == "slow" else 0.0
        meets = [
            ("rep", "connect", "up"),
            ("req", "bind", "down"),
            ("push", "connect", "pdus"),
            ("pull", "bind", "back"),
        ]
        peers = [start_peer(pattern, attach, f"ipc://{name}", pause_s) for pattern, attach, name in meets]
    check_stop(text, "threads", peers, state)


def test_zmq_blocks_in_processes_stop():
    text = """
semcom: 1
name: stop
blocks:
  rx: {use: radio/zmq_source, address: "ipc://rx"}
  tx: {use: radio/zmq_sink, address: "ipc://tx"}
connect: [rx -> tx]
"""
    check_stop(text, "processes", [], "absent")
