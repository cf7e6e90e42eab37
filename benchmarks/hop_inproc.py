"""One hop between two threads: an edge of this engine beside bare ZeroMQ PUSH/PULL over ``inproc``.

Figures: items a second from a source to a sink, for items of 64 B, 64 KiB and 4 MiB. Bare ZeroMQ carries each item as
two frames, a header of 120 bytes and the array; above 64 KiB it does not copy (pyzmq's own threshold).
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import zmq
from figures import print_table, take_turns
from semcom.flowgraphs.runtime.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

ITEMS = {"64 B": (8, 100_000), "64 KiB": (8192, 100_000), "4 MiB": (524_288, 50_000)}  # complex64 samples, items
HEADER = bytes(120)


def ours(samples: int, items: int, depth: int) -> float:
    """Items a second over one edge of a flowgraph."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hop.yaml"
        file.write_text(
            "semcom: 1\nname: hop\nblocks:\n"
            f"  zeros: {{use: sources/zeros, chunk: {samples}, samples: {samples * items}}}\n"
            "  nobody: {use: sinks/null}\n"
            f"connect:\n  - {{from: zeros, to: nobody.samples, depth: {depth}}}\n"
        )
        result = run(load_graph(file), RunOptions(executor="threads", out=Path(folder)))
    (edge,) = result.edges.values()
    if edge.out != items:
        raise SystemExit(f"expected {items} items, got {edge.out}")
    return items / result.duration_s


def bare_zeromq(samples: int, items: int) -> float:
    """Items a second over PUSH/PULL with ZeroMQ's own high-water marks."""
    context = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.bind("inproc://hop")
    push.connect("inproc://hop")
    array = np.zeros(samples, np.complex64)
    large = array.nbytes > 65536

    def source() -> None:
        for _ in range(items):
            push.send(HEADER, zmq.SNDMORE)
            push.send(array, copy=not large)

    thread = threading.Thread(target=source)
    began = time.perf_counter()
    thread.start()
    for _ in range(items):
        pull.recv()
        np.frombuffer(pull.recv(copy=not large), np.complex64)
    took = time.perf_counter() - began
    thread.join()
    context.destroy(linger=0)
    return items / took


def main(rounds: int = 5) -> None:
    """Measure and print."""
    rows = {}
    for name, (samples, items) in ITEMS.items():
        runners = {
            "semcom": partial(ours, samples, items, 8),
            "semcom, depth 1000": partial(ours, samples, items, 1000),
            "bare ZeroMQ": partial(bare_zeromq, samples, items),
        }
        rows[name] = take_turns(runners, rounds)
    print_table("One hop between threads", "items a second", rows, "semcom")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
