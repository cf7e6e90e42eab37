"""A radio source is exchanged while the flowgraph runs: the stream behind it goes on."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import zmq
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.sim.radio_formats.stream_message import pack_stream

KEEP = Path(__file__).parent / "plugins" / "keep.py"
ITEMS = np.arange(100).astype(np.complex64)


def lines() -> list[list]:
    file = Path("kept.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def wait_for(count: int) -> None:
    deadline = time.monotonic() + 20
    while len(lines()) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_source_is_swapped_for_one_of_another_address(peer):
    Path("swap.yaml").write_text(
        "semcom: 1\nname: swap\nblocks:\n  rx: {use: radio/zmq_source, address: 'ipc://one', pass_tags: true}\n"
        f"  keep: {{use: {KEEP}}}\nconnect: [rx -> keep]\n"
    )
    one, two = peer(zmq.PUSH, "bind", "ipc://one"), peer(zmq.PUSH, "bind", "ipc://two")
    results = []
    thread = threading.Thread(target=lambda: results.append(run(load_graph("swap.yaml"), RunOptions("threads"))))
    thread.start()
    one.send(pack_stream(ITEMS, 0))
    wait_for(1)
    change = {"address": "ipc://two", "pass_tags": True}
    request(None, {"do": "swap", "block": "rx", "use": "radio/zmq_source", "params": change})
    two.send(pack_stream(ITEMS, 7000))
    two.send(pack_stream(ITEMS, 7110))
    wait_for(3)
    request(None, {"do": "stop"})
    thread.join(20)
    assert results[0].status == "stopped"
    places = [line[0] for line in lines()]
    assert places == [0, 7000, 7110]  # numbers go on: what they leave out is lost
