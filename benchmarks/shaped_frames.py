"""How long a frame of shaped QAM takes to code and decode, beside a frame of a matched link with as many uses.

    python benchmarks/shaped_frames.py [--rounds N]

Prints milliseconds of one thread, coded link alone: LDPC, distribution matching, QAM and its exact demapper; the frame
is that of a CBR of 512 x 768 at the Es/N0 for which its scheme is chosen.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
from figures import print_table, take_turns
from semcom.sim.constellations.demapper import demap
from semcom.sim.constellations.qam import modulate
from semcom.sim.links.choose_scheme import match_scheme, shape_scheme
from semcom.sim.links.frame import plan_frame
from semcom.sim.links.mcs import Scheme
from semcom.sim.links.shaped_block import ShapedBlockPlan, decode_shaped_block, encode_shaped_block
from semcom.sim.links.shaped_qam import ShapedQam
from semcom.sim.links.transport_block import decode_transport_block, encode_transport_block

PIXELS = 512 * 768
CHOOSE = {"shaped": shape_scheme, "matched": match_scheme}
POINTS = ((48, 10.0), (24, 10.0), (12, 10.0), (6, 20.0))  # 1 / CBR, Es/N0 in dB


def ends(scheme: Scheme | ShapedQam, uses: int, esn0_db: float) -> dict[str, Callable[[], object]]:
    """What codes and maps a frame, and what demaps and decodes it."""
    plan, bits = plan_frame(scheme, uses), scheme.bits_per_symbol
    assert plan
    law = scheme.law if isinstance(scheme, ShapedQam) else None
    encode, decode = encode_transport_block, decode_transport_block
    if isinstance(plan, ShapedBlockPlan):
        encode, decode = encode_shaped_block, decode_shaped_block
    rng, n0 = np.random.default_rng(1), 10 ** (-esn0_db / 10)
    payload = rng.integers(0, 2, plan.payload_bits, dtype=np.uint8)
    noise = rng.normal(0, math.sqrt(n0 / 2), (uses, 2)) @ [1, 1j]
    received = (modulate(encode(plan, payload), bits, law) + noise).astype(np.complex64)

    def llrs() -> np.ndarray:
        return demap(received, n0, bits, method="exact", law=law).astype(np.float32)

    assert decode(plan, llrs()).crc_ok
    return {
        "encode": lambda: modulate(encode(plan, payload), bits, law),
        "decode": lambda: decode(plan, llrs()),
    }


def milliseconds(work: Callable[[], object]) -> Callable[[], float]:
    """Time one call."""

    def once() -> float:
        begun = time.perf_counter()
        work()
        return 1000 * (time.perf_counter() - begun)

    return once


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    rows = {}
    for share, esn0_db in POINTS:
        uses = 3 * PIXELS // share - 100  # less the header
        found = {name: ends(choose(esn0_db, uses), uses, esn0_db) for name, choose in CHOOSE.items()}
        for end in ("encode", "decode"):
            runners = {name: milliseconds(work[end]) for name, work in found.items()}
            rows[f"CBR 1/{share}, {esn0_db:g} dB, {end}"] = take_turns(runners, rounds)
    print_table("Frames of shaped QAM", "ms", rows, ["matched"])


if __name__ == "__main__":
    main()
