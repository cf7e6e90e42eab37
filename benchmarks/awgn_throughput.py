"""Gaussian noise: the AWGN blocks beside Sionna's channel and GNU Radio's noise source.

Figures: million complex samples a second, on one thread of arithmetic. Ours and Sionna's add noise to arrays of 65,536
symbols. GNU Radio's noise source and adder are C++ and run in its scheduler, two threads at work.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from engine_samples import GNURADIO_PYTHON, has_gnu_radio
from figures import print_table, take_turns
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.channels.awgn_samples import AwgnSamples
from semcom.blocks.envelope import Identity, Stream

SYMBOLS = 65536
FRAMES = 200
ESN0_DB = 10.0


def symbols_block() -> float:
    """`channels/awgn`, frame by frame, each frame with its own generator."""
    block = Awgn(Awgn.Params(esn0_db=ESN0_DB), name="channel", seed=7)
    symbols = np.ones(SYMBOLS, np.complex64)
    return _rate(lambda index: block.work(symbols, Identity(index)))


def samples_block() -> float:
    """`channels/awgn_samples`, chunk by chunk of one stream."""
    block = AwgnSamples(AwgnSamples.Params(snr_db=ESN0_DB), name="channel", seed=7)
    samples = np.ones(SYMBOLS, np.complex64)
    return _rate(lambda index: block.work(samples, Stream(index * SYMBOLS)))


def sionna() -> float:
    """Sionna's AWGN on a complex64 tensor, one thread."""
    import torch
    from sionna.phy.channel import AWGN

    torch.set_num_threads(1)
    channel = AWGN()
    symbols = torch.ones(SYMBOLS, dtype=torch.complex64)
    n0 = 10 ** (-ESN0_DB / 10)
    with torch.no_grad():
        return _rate(lambda index: channel(symbols, n0))


def gnu_radio(samples: int = 30_000_000) -> float:
    """GNU Radio's noise source and adder, in their own process."""
    script = Path(__file__).with_name("gnuradio_peer.py")
    command = [GNURADIO_PYTHON, str(script), "noise", str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return float(done.stdout.split()[-1]) / 1e6


def _rate(call: Callable[[int], object]) -> float:
    began = time.perf_counter()
    for index in range(FRAMES):
        call(index)
    return SYMBOLS * FRAMES / (time.perf_counter() - began) / 1e6


def main(rounds: int = 5) -> None:
    """Measure and print."""
    peers: dict[str, Callable[[], float]] = {}
    try:
        import sionna  # noqa: F401

        peers["Sionna"] = globals()["sionna"]
    except ImportError:
        print("skipped: no sionna here (pip install sionna-no-rt)", file=sys.stderr)
    if has_gnu_radio():
        peers["GNU Radio"] = partial(gnu_radio)
    figures = take_turns({"channels/awgn": symbols_block, "channels/awgn_samples": samples_block, **peers}, rounds)
    rows = {
        name: {"semcom": figures[name], **{peer: figures[peer] for peer in peers}}
        for name in ("channels/awgn", "channels/awgn_samples")
    }
    print_table("Gaussian noise", "million complex samples a second", rows, ["Sionna", "GNU Radio"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
