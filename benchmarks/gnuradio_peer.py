"""GNU Radio's side of the benchmarks; runs under the Python that has `gnuradio`, which is the system's.

Usage: ``python3 gnuradio_peer.py python_blocks COUNT SAMPLES`` or ``python3 gnuradio_peer.py noise SAMPLES``; prints
samples a second. ``python3 gnuradio_peer.py zmq_sink PATTERN ADDRESS TAGS`` sends silence until it is killed;
``... zmq_source PATTERN ADDRESS TAGS SECONDS`` prints samples a second over so long, half a second after the first.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np
from gnuradio import analog, blocks, gr, zeromq


class PythonCopy(gr.sync_block):  # type: ignore[misc]
    """What GNU Radio calls a Python block that passes complex64 on."""

    def __init__(self) -> None:
        gr.sync_block.__init__(self, name="copy", in_sig=[np.complex64], out_sig=[np.complex64])

    def work(self, input_items: list[Any], output_items: list[Any]) -> int:
        """Copy one buffer."""
        output_items[0][:] = input_items[0]
        return len(output_items[0])


def python_blocks(count: int, samples: int) -> float:
    """Samples a second through a row of Python sync blocks."""
    top = gr.top_block()
    row = [blocks.null_source(gr.sizeof_gr_complex), blocks.head(gr.sizeof_gr_complex, samples)]
    row += [PythonCopy() for _ in range(count)]
    return _timed(top, [*row, blocks.null_sink(gr.sizeof_gr_complex)], samples)


def noise(samples: int) -> float:
    """Samples a second of silence with Gaussian noise added: the noise source and one adder, in C++."""
    top = gr.top_block()
    add = blocks.add_cc()
    source = analog.noise_source_c(analog.GR_GAUSSIAN, 1.0, 7)
    top.connect(source, (add, 1))
    head = blocks.head(gr.sizeof_gr_complex, samples)
    row = [blocks.null_source(gr.sizeof_gr_complex), add, head, blocks.null_sink(gr.sizeof_gr_complex)]
    return _timed(top, row, samples)


def _timed(top: gr.top_block, row: list[gr.basic_block], samples: int) -> float:
    top.connect(*row)
    began = time.perf_counter()
    top.run()
    return samples / (time.perf_counter() - began)


def zmq_sink(pattern: str, address: str, tags: str) -> None:
    """Send silence until killed."""
    top = gr.top_block()
    more = ["", False] if pattern == "pub" else []  # no key; waits for slow subscribers
    sink = getattr(zeromq, f"{pattern}_sink")(gr.sizeof_gr_complex, 1, address, 100, tags == "1", -1, *more)
    top.connect(blocks.null_source(gr.sizeof_gr_complex), sink)
    top.run()


def zmq_source(pattern: str, address: str, tags: str, seconds: str) -> float:
    """Samples a second that arrive."""
    top = gr.top_block()
    source = getattr(zeromq, f"{pattern}_source")(gr.sizeof_gr_complex, 1, address, 100, tags == "1", -1)
    top.connect(source, blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    while not source.nitems_written(0):
        time.sleep(0.01)
    time.sleep(0.5)
    began, before = time.perf_counter(), source.nitems_written(0)
    time.sleep(float(seconds))
    return (source.nitems_written(0) - before) / (time.perf_counter() - began)


if __name__ == "__main__":
    task, *words = sys.argv[1:]
    if task.startswith("zmq"):
        print({"zmq_sink": zmq_sink, "zmq_source": zmq_source}[task](*words), flush=True)
        os._exit(0)  # a flowgraph whose peer has gone does not stop by itself
    print({"python_blocks": python_blocks, "noise": noise}[task](*map(int, words)))
