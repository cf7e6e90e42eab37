"""How fast bursts are received: `sync/burst` beside a chain of GNU Radio's blocks in C++.

Figures: million samples a second of one core, by processor time. The stream is ten pictures' bursts (32,768 symbols of
payload each: 256 x 256 pixels at CBR 1/6) with noise, four samples a symbol; and noise alone, where nothing but the
detector works. GNU Radio's chain is a correlator with the preamble (`corr_est_cc`), a matched filter bank with clock
recovery (`pfb_clock_sync_ccf`) and fine carrier correction (`costas_loop_cc`); it has no equaliser, no noise estimate
and reads no header, and its correlator finds no preamble that is off by 2 % of the symbol rate. Processor time of
all its threads is added up.

Usage: ``python benchmarks/sync_throughput.py [ROUNDS]``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from engine_samples import GNURADIO_PYTHON, has_gnu_radio
from figures import print_table, take_turns
from numpy.typing import NDArray
from semcom.sim.noise import CounterNoise
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.waveform.body import body_symbols
from semcom.sim.waveform.demodulate import Demodulator
from semcom.sim.waveform.frame import frame_symbols
from semcom.sim.waveform.preamble import PREAMBLE
from semcom.sim.waveform.receive import BurstReceiver
from semcom.sim.waveform.single_carrier import SingleCarrier

WAVEFORM = SingleCarrier()
BURSTS, PAYLOAD, CHUNK = 10, 32_768, 65_536
HEADER = [("ImageShape", ImageShape(256, 256).pack()), ("ModelId", ModelId(1, 7).pack())]
ESN0_DB = 20


def bursts() -> NDArray[np.complex64]:
    """Return a stream of bursts in noise, its carrier off by 1 % of the symbol rate."""
    source, parts = CounterNoise(1), []
    for seq in range(BURSTS):
        data = frame_symbols(seq, HEADER, source.complex_normal(seq * PAYLOAD, PAYLOAD))
        parts += [WAVEFORM.modulate(body_symbols(data, WAVEFORM.pilot_spacing)), np.zeros(256, np.complex64)]
    x = np.concatenate(parts)
    turn = np.exp(2j * np.pi * 0.01 / WAVEFORM.samples_per_symbol * np.arange(x.size))
    noise = CounterNoise(2).complex_normal(0, x.size) * np.sqrt(WAVEFORM.samples_per_symbol) * 10 ** (-ESN0_DB / 20)
    return (x * turn + noise).astype(np.complex64)


def ours(x: NDArray[np.complex64], expected: int) -> float:
    """Receive a stream chunk by chunk."""
    receiver = BurstReceiver(Demodulator(WAVEFORM))
    began = time.process_time()
    found = sum(len(receiver.push(x[at : at + CHUNK])) for at in range(0, x.size, CHUNK)) + len(receiver.flush())
    taken = time.process_time() - began
    if found != expected:
        raise RuntimeError(f"expected {expected} bursts, found {found}")
    return x.size / taken / 1e6


def gnu_radio(file: str, samples: int) -> float:
    """The same samples through GNU Radio's blocks, in their own process."""
    script = Path(__file__).with_name("gnuradio_peer.py")
    command = [GNURADIO_PYTHON, str(script), "receive", file, str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return float(done.stdout.split()[-1]) / 1e6


def main(rounds: int = 5) -> None:
    """Measure and print."""
    streams = {"bursts of pictures": (bursts(), BURSTS), "noise alone": (CounterNoise(3).complex_normal(0, 1 << 21), 0)}
    with tempfile.TemporaryDirectory() as folder:
        runners: dict[str, Callable[[], float]] = {}
        shaped = WAVEFORM.modulate(np.zeros(0, np.complex64))
        (Path(folder) / "preamble").write_bytes(shaped.tobytes())
        for name, (x, expected) in streams.items():
            runners[f"semcom: {name}"] = partial(ours, x, expected)
            if has_gnu_radio():
                file = Path(folder) / name.split()[0]
                file.write_bytes(x.tobytes())
                runners[f"GNU Radio: {name}"] = partial(gnu_radio, str(file), x.size)
        figures = take_turns(runners, rounds)
    rows = {
        name: {who: figures[f"{who}: {name}"] for who in ("semcom", "GNU Radio") if f"{who}: {name}" in figures}
        for name in streams
    }
    print(f"preamble: {PREAMBLE.size} symbols")
    print_table("Receiving bursts", "million samples a second of one core", rows, ["GNU Radio"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
