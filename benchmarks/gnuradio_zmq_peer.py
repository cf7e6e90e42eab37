"""GNU Radio's side of `zmq_radio`; runs under the Python that has `gnuradio`, which is the system's.

Usage: ``python3 gnuradio_zmq_peer.py sink PATTERN ADDRESS TAGS`` sends silence until it is killed; ``... source PATTERN
ADDRESS TAGS SECONDS`` prints samples a second over so long, half a second after the first.
"""

from __future__ import annotations

import os
import sys
import time

from gnuradio import blocks, gr, zeromq

TIMEOUT_MS = 100
ZEROMQS_OWN = -1  # messages that may wait: 1000


def sink(pattern: str, address: str, tags: str) -> None:
    """Send silence until killed."""
    top = gr.top_block()
    more = ["", False] if pattern == "pub" else []  # no key; waits for slow subscribers
    make = getattr(zeromq, f"{pattern}_sink")
    made = make(gr.sizeof_gr_complex, 1, address, TIMEOUT_MS, tags == "1", ZEROMQS_OWN, *more)
    top.connect(blocks.null_source(gr.sizeof_gr_complex), made)
    top.run()


def source(pattern: str, address: str, tags: str, seconds: str) -> float:
    """Samples a second that arrive."""
    top = gr.top_block()
    make = getattr(zeromq, f"{pattern}_source")
    made = make(gr.sizeof_gr_complex, 1, address, TIMEOUT_MS, tags == "1", ZEROMQS_OWN)
    top.connect(made, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    while not made.nitems_written(0):
        time.sleep(0.01)
    time.sleep(0.5)
    began, before = time.perf_counter(), made.nitems_written(0)
    time.sleep(float(seconds))
    return (made.nitems_written(0) - before) / (time.perf_counter() - began)


if __name__ == "__main__":
    task, *words = sys.argv[1:]
    print({"sink": sink, "source": source}[task](*words), flush=True)
    os._exit(0)  # a flowgraph whose peer has gone does not stop by itself
