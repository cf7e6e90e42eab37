"""GNU Radio's side of the benchmarks; runs under the Python that has `gnuradio`, which is the system's.

Usage: ``python3 gnuradio_peer.py python_blocks COUNT SAMPLES``, ``... noise SAMPLES`` or ``... receive FILE SAMPLES``,
with a file ``preamble`` beside it; prints samples a second.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from gnuradio import analog, blocks, digital, gr
from gnuradio.filter import firdes


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


def receive(file: str, samples: int) -> float:
    """Samples a second of processor time, all threads together: preamble, clock and carrier, in C++."""
    rate = 4
    preamble = np.fromfile(Path(file).with_name("preamble"), np.complex64)
    taps = firdes.root_raised_cosine(32, 32 * rate, 1.0, 0.25, 32 * rate * 24 + 1)
    top = gr.top_block()
    row = [
        blocks.file_source(gr.sizeof_gr_complex, file),
        digital.corr_est_cc(preamble.tolist(), rate, 0, 0.9),
        digital.pfb_clock_sync_ccf(rate, 2 * np.pi / 100, taps, 32, 16, 1.5, 1),
        digital.costas_loop_cc(2 * np.pi / 100, 4),
        blocks.null_sink(gr.sizeof_gr_complex),
    ]
    top.connect(*row)
    began = time.process_time()
    top.run()
    return samples / (time.process_time() - began)


def _timed(top: gr.top_block, row: list[gr.basic_block], samples: int) -> float:
    top.connect(*row)
    began = time.perf_counter()
    top.run()
    return samples / (time.perf_counter() - began)


if __name__ == "__main__":
    task, *given = sys.argv[1:]
    if task == "receive":
        print(receive(given[0], int(given[1])))
    else:
        print({"python_blocks": python_blocks, "noise": noise}[task](*map(int, given)))
