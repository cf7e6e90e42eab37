"""Pass-through blocks on a stream of complex64 samples: this engine, GNU Radio's Python blocks, bare ZeroMQ threads.

Figures: million samples a second from a source of silence through 1, 3 and 10 blocks that do nothing, to a sink that
throws away. Ours and ZeroMQ's move chunks of 65,536 samples without copying; GNU Radio hands its Python blocks what its
scheduler chooses, and each block copies one buffer to the next, as blocks there must.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import zmq
from figures import print_table, take_turns
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

CHUNK = 65536
SAMPLES = {1: (2 * 10**9, 3 * 10**7), 3: (10**9, 10**7), 10: (4 * 10**8, 3 * 10**6)}  # ours, and GNU Radio's
GNURADIO_PYTHON = os.environ.get("GNURADIO_PYTHON", "/usr/bin/python3")


def ours(count: int, samples: int) -> float:
    """Million samples a second through this engine, executor ``threads``."""
    names = [f"copy{index}" for index in range(count)]
    blocks = "\n".join(f"  {name}: {{use: channels/copy}}" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "row.yaml"
        file.write_text(
            f"semcom: 1\nname: row\nblocks:\n  zeros: {{use: sources/zeros, chunk: {CHUNK}, samples: {samples}}}\n"
            f"{blocks}\n  nobody: {{use: sinks/null}}\nconnect:\n  - {' -> '.join(['zeros', *names, 'nobody'])}\n"
        )
        result = run(load_graph(file), RunOptions(executor="threads", out=Path(folder)))
    return samples / result.duration_s / 1e6


def bare_zeromq(count: int, samples: int) -> float:
    """Million samples a second through threads that only receive and send, PUSH/PULL over ``inproc``.

    The frame that came is the frame that goes: the least that pyzmq can do. Making a new frame of an array in every
    thread instead costs pyzmq a message to its collector, and with ten threads it has been seen to hang.
    """
    context = zmq.Context()
    pulls = [context.socket(zmq.PULL) for _ in range(count + 1)]
    pushes = [context.socket(zmq.PUSH) for _ in range(count + 1)]
    for index, (pull, push) in enumerate(zip(pulls, pushes, strict=True)):
        pull.bind(f"inproc://hop{index}")
        push.connect(f"inproc://hop{index}")
    chunks = samples // CHUNK

    def source() -> None:
        frame = zmq.Frame(np.zeros(CHUNK, np.complex64), copy=False)
        for _ in range(chunks):
            pushes[0].send(frame, copy=False)

    def copy(index: int) -> None:
        for _ in range(chunks):
            frame = pulls[index].recv(copy=False)
            np.frombuffer(frame.buffer, np.complex64)
            pushes[index + 1].send(frame, copy=False)

    threads = [threading.Thread(target=source), *(threading.Thread(target=copy, args=(i,)) for i in range(count))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for _ in range(chunks):
        np.frombuffer(pulls[count].recv(copy=False).buffer, np.complex64)
    took = time.perf_counter() - began
    for thread in threads:
        thread.join()
    context.destroy(linger=0)
    return chunks * CHUNK / took / 1e6


def gnu_radio(count: int, samples: int) -> float:
    """Million samples a second through GNU Radio's Python sync blocks, in its own process."""
    script = Path(__file__).with_name("gnuradio_peer.py")
    done = subprocess.run(
        [GNURADIO_PYTHON, str(script), "python_blocks", str(count), str(samples)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return float(done.stdout.split()[-1]) / 1e6


def has_gnu_radio() -> bool:
    """Say on stderr what is missing, if it is."""
    try:
        done = subprocess.run([GNURADIO_PYTHON, "-c", "import gnuradio"], capture_output=True, timeout=60)
    except FileNotFoundError:
        found = False
    else:
        found = done.returncode == 0
    if not found:
        print(f"skipped: {GNURADIO_PYTHON} has no gnuradio (apt-get install gnuradio)", file=sys.stderr)
    return found


def main(rounds: int = 5) -> None:
    """Measure and print."""
    peer = has_gnu_radio()
    rows = {}
    for count, (samples, their_samples) in SAMPLES.items():
        runners = {
            "semcom": partial(ours, count, samples),
            "bare ZeroMQ": partial(bare_zeromq, count, samples),
        }
        if peer:
            runners["GNU Radio"] = partial(gnu_radio, count, their_samples)
        rows[f"{count} block{'s' * (count > 1)}"] = take_turns(runners, rounds)
    print_table(
        "Pass-through blocks on complex64 samples", "million samples a second", rows, ["bare ZeroMQ", "GNU Radio"]
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
