"""Samples over ZeroMQ between this engine and GNU Radio: how fast, and how soon `stop` is done.

Figures: million complex64 samples a second from a source of silence to a sink that throws away, in two processes,
beside GNU Radio with itself; and seconds from `stop` to the end of the run with no peer, with one
that is frozen (SIGSTOP) and with one that takes a message in 0.4 s. Run: ``python benchmarks/zmq_radio.py [ROUNDS]``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from engine_samples import GNURADIO_PYTHON, has_gnu_radio
from figures import machine, print_table, take_turns
from semcom.errors import ControlError
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

PEER = Path(__file__).with_name("gnuradio_zmq_peer.py")
SECONDS = 2.0
PATTERNS = {"PUSH/PULL": ("push", "pull"), "PUB/SUB": ("pub", "sub"), "REQ/REP": ("rep", "req")}
RATE_BLOCK = '''
import time
from semcom.blocks.block import Block
from semcom.blocks.ports import Samples

class Rate(Block):
    """Counts samples from half a second after the first one on."""

    def start(self):
        self.from_s, self.count, self.last_s = None, 0, 0.0

    def work(self, samples: Samples) -> None:
        self.last_s = time.perf_counter()
        if self.from_s is None:
            self.from_s = self.last_s + 0.5
        elif self.last_s > self.from_s:
            self.count += samples.size

    def finish(self, run):
        self.measure(rate=self.count / max(self.last_s - (self.from_s or 0), 1e-9))
'''
SLOW_PEER = """
import sys, time, zmq
kind, attach, address, pause_s = sys.argv[1:]
socket = zmq.Context().socket(getattr(zmq, kind))
getattr(socket, attach)(address)
if kind == "SUB":
    socket.subscribe(b"")
while True:
    if kind == "REQ":
        socket.send(b"")
    if kind in ("SUB", "PULL", "REQ", "REP"):
        socket.recv()
    if kind in ("PUB", "PUSH", "REP"):
        socket.send(bytes(65536))
    time.sleep(float(pause_s))
"""


@contextlib.contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a peer for as long as the block lasts."""
    started = subprocess.Popen([*words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def begin(text: str) -> tuple[threading.Thread, list[RunResult]]:
    """Run a flowgraph in a thread; returns once it runs."""
    Path("graph.yaml").write_text(text)
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(load_graph("graph.yaml"), RunOptions("threads"))))
    thread.start()
    while True:
        with contextlib.suppress(ControlError):
            if request(str(os.getpid()), {"do": "status"})["running"]:
                return thread, results
        time.sleep(0.02)


def end(thread: threading.Thread) -> float:
    """Stop the run; return how long that took, in seconds."""
    began = time.perf_counter()
    request(str(os.getpid()), {"do": "stop"})
    thread.join()
    return time.perf_counter() - began


def address_of(transport: str) -> str:
    """An address that no other round has used."""
    return f"ipc://{tempfile.mktemp(dir='.')}" if transport == "ipc" else f"tcp://127.0.0.1:{next(PORTS)}"


PORTS = iter(range(23_000, 30_000))


def rate(sender: str, receiver: str, patterns: tuple[str, str], transport: str, tags: bool) -> float:
    """Million samples a second from one to the other."""
    out, into = patterns
    Path("rate.py").write_text(RATE_BLOCK)
    options = f"address: '{(address := address_of(transport))}', pass_tags: {str(tags).lower()}"
    source = "zeros: {use: sources/zeros, chunk: 65536}"
    sink = f"tx: {{use: radio/zmq_sink, pattern: {out}, {options}}}"
    head = "semcom: 1\nname: rate\nblocks:\n"
    rx = f"rx: {{use: radio/zmq_source, pattern: {into}, {options}}}"
    receives = f"{head}  {rx}\n  n: {{use: ./rate.py}}\nconnect: [rx -> n]\n"
    sends = f"{head}  {source}\n  {sink}\nconnect: [zeros -> tx]\n"
    theirs = [GNURADIO_PYTHON, str(PEER)]
    with contextlib.ExitStack() as stack:
        if sender == "gnuradio":
            stack.enter_context(process(*theirs, "sink", out, address, str(int(tags))))
        elif receiver == "gnuradio":
            thread, _ = begin(sends)
            stack.callback(end, thread)
        else:
            Path("sends.yaml").write_text(sends)
            stack.enter_context(process(sys.executable, "-m", "semcom", "run", "sends.yaml", "--quiet"))
        if receiver == "gnuradio":
            done = stack.enter_context(process(*theirs, "source", into, address, str(int(tags)), str(SECONDS)))
            return float(done.communicate(timeout=120)[0]) / 1e6
        Path("receives.yaml").write_text(receives)
        result = run_for(SECONDS + 0.5)
        return result.metrics["rate"] / 1e6


def run_for(seconds: float) -> RunResult:
    """Run the receiving flowgraph for so long, from its first sample on."""
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(load_graph("receives.yaml"), RunOptions("threads"))))
    thread.start()
    while True:
        with contextlib.suppress(ControlError):
            if request(str(os.getpid()), {"do": "status"})["blocks"]["n"]["items"]:
                break
        time.sleep(0.02)
    time.sleep(seconds)
    request(str(os.getpid()), {"do": "stop"})
    thread.join()
    return results[0]


def stop_s(patterns: tuple[str, str], state: str) -> float:
    """Seconds from `stop` to the end of a run that sends to a peer and receives from one."""
    (out, into), pause = patterns, "0.4" if state == "slow" else "0"
    kinds = {"push": "PULL", "pub": "SUB", "rep": "REQ", "pull": "PUSH", "sub": "PUB", "req": "REP"}
    to, of = address_of("ipc"), address_of("ipc")
    text = (
        "semcom: 1\nname: stop\nblocks:\n  zeros: {use: sources/zeros, chunk: 8192}\n"
        f"  tx: {{use: radio/zmq_sink, pattern: {out}, address: '{to}', hwm: 4}}\n"
        f"  rx: {{use: radio/zmq_source, pattern: {into}, address: '{of}', hwm: 4}}\n"
        "  nobody: {use: sinks/null}\nconnect: [zeros -> tx, rx -> nobody]\n"
    )
    with contextlib.ExitStack() as stack:
        peers = []
        if state != "none":
            for kind, attach, address in ((kinds[out], "connect", to), (kinds[into], "bind", of)):
                peers.append(
                    stack.enter_context(process(sys.executable, "-c", SLOW_PEER, kind, attach, address, pause))
                )
        thread, _ = begin(text)
        time.sleep(1.0)
        if state == "frozen":
            for peer in peers:
                os.kill(peer.pid, signal.SIGSTOP)
            time.sleep(0.5)
        return end(thread)


def throughput(rounds: int) -> None:
    """Print the table of rates."""
    pairs = {
        "GNU Radio to semcom": ("gnuradio", "semcom"),
        "semcom to GNU Radio": ("semcom", "gnuradio"),
        "semcom to semcom": ("semcom", "semcom"),
        "GNU Radio to itself": ("gnuradio", "gnuradio"),
    }
    cases = [(name, "tcp", False) for name in PATTERNS] + [("PUSH/PULL", "ipc", False), ("PUSH/PULL", "tcp", True)]
    rows = {}
    for name, transport, tags in cases:
        runners = {pair: partial(rate, *ends, PATTERNS[name], transport, tags) for pair, ends in pairs.items()}
        rows[f"{name}, {transport}{', tags' * tags}"] = take_turns(runners, rounds)
    print_table("Samples over ZeroMQ", "million samples a second", rows, ["GNU Radio to itself"])


def stop_times(rounds: int) -> None:
    """Print the table of times to stop."""
    print(f"\n## From stop to the end of the run\n\n{machine()}; seconds, median (most)\n")
    print("| | no peer | frozen peer | slow peer |\n|---|---|---|---|")
    for name, patterns in PATTERNS.items():
        found = {state: [stop_s(patterns, state) for _ in range(rounds)] for state in ("none", "frozen", "slow")}
        cells = [f"{statistics.median(took):.2f} ({max(took):.2f})" for took in found.values()]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main(rounds: int = 5) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        stop_times(rounds)
        if has_gnu_radio():
            throughput(rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
