"""One hop between two threads: an edge of this engine beside bare ZeroMQ PUSH/PULL over ``inproc``.

Figures: items a second, for items of 64 B, 64 KiB and 4 MiB. The edge hands over items with their envelopes, as it does
between two blocks; once with depth 64, once with depth 8, the default, which is for items that take time. Bare ZeroMQ
carries each item as two frames, a header of 120 bytes and the array, its high-water marks at 1000; above 64 KiB it does
not copy. The last contestant is the whole way: a source block makes the item, the runtime numbers, checks and freezes
it, the edge carries it, a sink block counts it.
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
from semcom.blocks.envelope import Envelope, Identity, Stream
from semcom.flowgraphs.runtime.edges.ends import END
from semcom.flowgraphs.runtime.edges.thread_edge import thread_edge
from semcom.flowgraphs.runtime.graph import Edge
from semcom.flowgraphs.runtime.item import Item
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

ITEMS = {"64 B": (8, 100_000), "64 KiB": (8192, 100_000), "4 MiB": (524_288, 50_000)}  # complex64 samples, items
HEADER = bytes(120)


def edge_alone(samples: int, items: int, depth: int) -> float:
    """Items a second over one edge between two threads, waited for as an actor waits."""
    context = zmq.Context()
    edge = Edge(0, "a", "out", "b", "samples", "Samples", depth)
    writer, reader = thread_edge(context, edge, "hop")
    array = np.zeros(samples, np.complex64)

    def source() -> None:
        poller = zmq.Poller()
        poller.register(writer.socket, zmq.POLLIN)
        for index in range(items):
            item = Item(Envelope(identity=Identity(index), stream=Stream(index * samples, 1e6)), array)
            while not writer.offer(item):
                if not writer.prepare_wait():
                    poller.poll()
                    writer.service()
        writer.end()

    thread = threading.Thread(target=source)
    poller = zmq.Poller()
    poller.register(reader.socket, zmq.POLLIN)
    taken = 0
    began = time.perf_counter()
    thread.start()
    while (item := reader.take()) is not END:
        if item is not None:
            taken += 1
        elif not reader.prepare_wait():
            poller.poll()
            reader.service()
    took = time.perf_counter() - began
    thread.join()
    writer.close()
    reader.close()
    context.term()
    if taken != items:
        raise SystemExit(f"expected {items} items, got {taken}")
    return items / took


def with_blocks(samples: int, items: int) -> float:
    """Items a second from a source block to a sink block."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hop.yaml"
        file.write_text(
            "semcom: 1\nname: hop\nblocks:\n"
            f"  zeros: {{use: sources/zeros, chunk: {samples}, samples: {samples * items}}}\n"
            "  nobody: {use: sinks/null}\nconnect:\n  - zeros -> nobody\n"
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
            "edge, depth 64": partial(edge_alone, samples, items, 64),
            "edge, depth 8": partial(edge_alone, samples, items, 8),
            "bare ZeroMQ": partial(bare_zeromq, samples, items),
            "block to block, depth 8": partial(with_blocks, samples, items),
        }
        rows[name] = take_turns(runners, rounds)
    print_table("One hop between threads", "items a second", rows, ["bare ZeroMQ"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
