"""GNU Radio between two addresses, under the Python that has it: ``python3 gnuradio_peer.py JSON``.

The JSON names the ends: ``{"from": ["pull", ADDRESS], "to": ["push", ADDRESS], "pass_tags": true, "key": "",
"rate_hz": 1e5, "noise_variance": 0.04}``; from ``key`` on all may be left out. With ``"messages": true`` its message
blocks stand there. Prints ``running`` when it does, and runs until it is killed.
"""

from __future__ import annotations

import json
import signal
import sys

from gnuradio import analog, blocks, gr, zeromq

TIMEOUT_MS = 100
HWM = 8


def stream_source(pattern: str, address: str, *, pass_tags: bool, key: str) -> gr.block:
    made = getattr(zeromq, f"{pattern}_source")
    more = [key] if pattern == "sub" else []
    return made(gr.sizeof_gr_complex, 1, address, TIMEOUT_MS, pass_tags, HWM, *more)


def stream_sink(pattern: str, address: str, *, pass_tags: bool, key: str) -> gr.block:
    made = getattr(zeromq, f"{pattern}_sink")
    more = [key, False] if pattern == "pub" else []  # False: does not drop when a subscriber is slow
    return made(gr.sizeof_gr_complex, 1, address, TIMEOUT_MS, pass_tags, HWM, *more)


def run(top: gr.top_block) -> None:
    top.start()
    print("running", flush=True)
    signal.pause()


def main(job: dict) -> None:
    top = gr.top_block()
    if job.get("messages"):
        ends = [getattr(zeromq, f"{pattern}_msg_source") for pattern in job["from"][:1]]
        ends += [getattr(zeromq, f"{pattern}_msg_sink") for pattern in job["to"][:1]]
        top.msg_connect(ends[0](job["from"][1]), "out", ends[1](job["to"][1]), "in")
        run(top)
    options = {"pass_tags": job.get("pass_tags", False), "key": job.get("key", "")}
    row = [stream_source(*job["from"], **options), stream_sink(*job["to"], **options)]
    if "rate_hz" in job:
        row.insert(1, blocks.throttle(gr.sizeof_gr_complex, job["rate_hz"]))
    if "noise_variance" in job:  # of a complex sample
        row.insert(1, blocks.add_cc())
        noise = analog.noise_source_c(analog.GR_GAUSSIAN, job["noise_variance"] ** 0.5, 7)
        top.connect(noise, (row[1], 1))
    top.connect(*row)
    run(top)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
