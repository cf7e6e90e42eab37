"""One tcp hop of an edge beside bare pyzmq PUSH/PULL that carries the same two frames, in the same run.

Two processes on this host: this one receives, a child sends. Both ways alternate over several rounds; printed are the
medians and the median of the ratios of neighbouring rounds. The bare pair has pyzmq's defaults, copies below 128 KiB
and none above, and neither encodes nor decodes: it sends one and the same header. The edge has depth 64, and 8, which
is the default.

Needs two idle cores: both ends and both of ZeroMQ's threads compete with whatever else runs, and the edge waits for
credit where the bare pair has a queue of 1000 messages.

    python benchmarks/hop_tcp.py [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
import zmq
from semcom.blocks.envelope import Envelope, Identity, Trace
from semcom.flowgraphs.runtime.edges.encode_items import encode_items
from semcom.flowgraphs.runtime.edges.ends import END
from semcom.flowgraphs.runtime.edges.messages import Contract
from semcom.flowgraphs.runtime.edges.socket_receiver import SocketReceiver
from semcom.flowgraphs.runtime.edges.socket_sender import SocketSender

SIZES = {64: 100_000, 1 << 16: 6_000, 1 << 22: 120}  # bytes of an item: items of a round
GOALS = {64: 0.7, 1 << 16: 0.8, 1 << 22: 0.95}
CONTRACT = Contract(graph="hop", edge=0, source="a.out", target="b.in", port="Features")
DEPTHS = (64, 8)  # items under way; bare PUSH/PULL has 1000 at either end
COPY_BYTES = 1 << 17


def envelope(seq: int) -> Envelope:
    return Envelope(Identity(seq), trace=Trace(label="kodim01", born_s=1.0))


def send(kind: str, endpoint: str, size: int, count: int) -> None:
    array = np.zeros(size // 4, np.float32)
    array.flags.writeable = False
    context: zmq.Context[Any] = zmq.Context()
    if kind == "bare":
        socket = context.socket(zmq.PUSH)
        socket.connect(endpoint)
        frames = encode_items(0, 1, 0, [(envelope(0), array, 0)])
        for _ in range(count):
            socket.send_multipart(frames, copy=size < COPY_BYTES)
        socket.close()
        context.term()
        return
    sender = SocketSender(context, endpoint, CONTRACT, depth=int(kind))
    for seq in range(count):
        item = envelope(seq)
        while not sender.try_send(item, array):
            sender.socket.poll(50, zmq.POLLIN | (zmq.POLLOUT if sender.wants_out else 0))
            sender.service()
    sender.end()
    while not sender.done:
        sender.socket.poll(50, zmq.POLLIN | (zmq.POLLOUT if sender.wants_out else 0))
        sender.service()
    sender.close()
    context.term()


def receive(kind: str, size: int, count: int) -> float:
    """Return items per second, from the first item to the last."""
    context: zmq.Context[Any] = zmq.Context()
    if kind == "bare":
        socket = context.socket(zmq.PULL)
        socket.bind("tcp://127.0.0.1:*")
        child = start(kind, socket.getsockopt_string(zmq.LAST_ENDPOINT), size, count)
        socket.recv_multipart(copy=size < COPY_BYTES)
        begin = time.perf_counter()
        for _ in range(count - 1):
            socket.recv_multipart(copy=size < COPY_BYTES)
        end = time.perf_counter()
        socket.close()
    else:
        receiver = SocketReceiver(context, "tcp://127.0.0.1:*", CONTRACT, depth=int(kind))
        child = start(kind, receiver.endpoint, size, count)
        seen, begin, end = 0, 0.0, 0.0
        while not receiver.done:
            receiver.service()
            while (item := receiver.take()) is not None:
                if item is END:
                    end = time.perf_counter()
                    receiver.commit_end()
                    break
                if not seen:
                    begin = time.perf_counter()
                seen += 1
                receiver.committed(item[0])
            else:
                receiver.socket.poll(50)
        receiver.close()
        if seen != count:
            raise SystemExit(f"expected {count} items, got {seen}")
    child.wait(60)
    context.term()
    return (count - 1) / (end - begin)


def start(kind: str, endpoint: str, size: int, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, "--child", kind, endpoint, str(size), str(count)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        kind, endpoint, size, count = args.child
        send(kind, endpoint, int(size), int(count))
        return
    rows = []
    for size, count in SIZES.items():
        bare: list[float] = []
        edges: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
        for _ in range(args.rounds):
            bare.append(receive("bare", size, count))
            for depth, edge in edges.items():
                edge.append(receive(str(depth), size, count))
        for depth, edge in edges.items():
            row = {
                "hop": "tcp",
                "item_bytes": size,
                "depth": depth,
                "edge_items_per_s": statistics.median(edge),
                "bare_items_per_s": statistics.median(bare),
                "ratio": statistics.median(one / other for one, other in zip(edge, bare, strict=True)),
                "goal": GOALS[size],
            }
            rows.append(row)
            if not args.json:
                print(
                    f"tcp hop, {size:>8} B: edge of depth {depth:>2} {row['edge_items_per_s']:>8.0f} items/s, "
                    f"bare PUSH/PULL {row['bare_items_per_s']:>8.0f}, ratio {row['ratio']:.2f} (goal {GOALS[size]})",
                    flush=True,
                )
    if args.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
