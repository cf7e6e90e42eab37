"""LDPC decoding: ours beside Sionna's, both on one thread of the processor, on the same received values.

First table: million information bits a second. Ours ends a code block at its first codeword, as links do, and is also
measured on noise alone, where every block takes all 20 iterations; Sionna's decoder always takes all of them. Second
table: block error rates of both at the same Es/N0 (QPSK over AWGN, 95 % Wilson intervals), and by how many dB ours
needs more at a block error rate of 1/100, from waterfalls fitted to both; below zero it needs less. Ours goes row by
row, Sionna's floods, which takes about twice the iterations to get as far.

One code and few blocks unless ``--long`` is given, which takes an hour for all of them.

Usage: ldpc_throughput.py [--long] [--rounds N] [--blocks N] [--sizes K ...] [--rates R ...]
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from figures import machine, print_table, take_turns
from link_thresholds import Point, fit
from scipy.stats import binomtest, norm
from semcom.sim.codes.ldpc.decode import decode
from semcom.sim.codes.ldpc.encode import encode
from semcom.sim.codes.ldpc.graph import LdpcCode, ldpc_code
from semcom.sim.codes.ldpc.rate_match import rate_match, rate_recover, rows_sent
from semcom.sim.codes.ldpc.segment import base_graph_of, lifting_size

QUICK: dict[str, Any] = {"sizes": [4000], "rates": ["1/2"], "blocks": 50}
LONG: dict[str, Any] = {"sizes": [1000, 4000, 8000], "rates": ["1/3", "1/2", "2/3", "5/6"], "blocks": 300}
ITERATIONS = 20
BATCH = 50
TARGET = 0.01


class Case(NamedTuple):
    """A code, its peer, and the Es/N0 at which our decoder's block error rate is about 1/2."""

    code: LdpcCode
    k: int
    n: int
    peers: dict[str, Any]
    middle_db: float


def received(case: Case, esn0_db: float, blocks: int, seed: int) -> tuple[Any, Any]:
    """Random information bits and what a demapper makes of them: float32 LLRs ``[blocks, n]``."""
    rng = np.random.default_rng([seed, case.k, case.n])
    information = np.zeros((blocks, case.code.information_columns * case.code.z), np.uint8)
    information[:, : case.k] = rng.integers(0, 2, (blocks, case.k))
    word = encode(case.code, information, rows=rows_sent(case.code, case.k, case.n))
    sent = rate_match(case.code, word, case.k, case.n, 2)
    n0 = 10 ** (-esn0_db / 10)
    y = (2.0 * sent - 1) * math.sqrt(0.5) + rng.standard_normal(sent.shape) * math.sqrt(n0 / 2)
    return information[:, : case.k], np.float32(4 * math.sqrt(0.5) * y / n0)


def ours(case: Case, llrs: Any) -> Any:
    """Decode by our decoder, rate recovery included."""
    return decode(case.code, rate_recover(case.code, llrs, case.k, 2), case.k, iterations=ITERATIONS).bits


def theirs(case: Case, llrs: Any, update: str) -> Any:
    """Decode by Sionna's, rate recovery included."""
    import torch

    with torch.no_grad():
        return case.peers[update](torch.from_numpy(llrs)).numpy()


def case_of(k: int, rate: str) -> Case:
    """Set up both decoders, and find the waterfall."""
    from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

    n = 2 * round(k / Fraction(rate) / 2)
    graph = base_graph_of(k, k / n)
    code = ldpc_code(graph, lifting_size(graph, k)[0])
    encoder = LDPC5GEncoder(k, n, num_bits_per_symbol=2)
    if encoder.z != code.z:
        raise SystemExit(f"k={k}, n={n}: Sionna lifts by {encoder.z}, we by {code.z}")
    peers = {
        update: LDPC5GDecoder(encoder, cn_update=update, num_iter=ITERATIONS) for update in ("boxplus-phi", "minsum")
    }
    case = Case(code, k, n, peers, 0.0)
    esn0_db = 10 * math.log10(2 ** (2 * k / n) - 1)

    def errors(at_db: float) -> int:
        information, llrs = received(case, at_db, BATCH, 0)
        return int((ours(case, llrs) != information).any(axis=1).sum())

    while errors(esn0_db) > BATCH / 2:
        esn0_db += 0.1
    return case._replace(middle_db=esn0_db)


def speed(case: Case, decoder: Callable[[Any], Any], llrs: Any) -> float:
    """Million information bits a second."""
    began = time.perf_counter()
    decoder(llrs)
    return len(llrs) * case.k / (time.perf_counter() - began) / 1e6


def throughput(case: Case, rounds: int) -> dict[str, list[float]]:
    """Measure the decoders in turn, on one batch a little above the waterfall."""
    _, llrs = received(case, case.middle_db + 0.4, BATCH, 1)
    noise = np.random.default_rng(2).standard_normal(llrs.shape).astype(np.float32)
    few = llrs[: max(BATCH * 1000 // case.k, 5)]  # Sionna's batch; its speed depends little on it
    return take_turns(
        {
            "semcom": lambda: speed(case, lambda x: ours(case, x), llrs),
            "semcom, all iterations": lambda: speed(case, lambda x: ours(case, x), noise),
            "Sionna": lambda: speed(case, lambda x: theirs(case, x, "boxplus-phi"), few),
            "Sionna, min-sum": lambda: speed(case, lambda x: theirs(case, x, "minsum"), few),
        },
        rounds,
    )


def error_rates(case: Case, blocks: int) -> str:
    """Walk down the waterfall with both, on the same frames; return a row of the second table."""
    step = 0.12 * math.sqrt(4000 / case.k) ** 0.8
    walks: dict[str, list[Point]] = {"semcom": [], "Sionna": []}
    for index in range(4):
        esn0_db = case.middle_db + index * step
        found = dict.fromkeys(walks, 0)
        for part in range(-(-blocks // BATCH)):
            information, llrs = received(case, esn0_db, BATCH, 10 + part)
            found["semcom"] += int((ours(case, llrs) != information).any(axis=1).sum())
            found["Sionna"] += int((theirs(case, llrs, "boxplus-phi") != information).any(axis=1).sum())
        for name, walk in walks.items():
            walk.append(Point(esn0_db, found[name], -(-blocks // BATCH) * BATCH))
    falls = {name: fit(walk) for name, walk in walks.items()}
    needed = {name: fall.mu_db + norm.isf(TARGET) * fall.sigma_db for name, fall in falls.items()}
    cells = [f"k={case.k}, n={case.n}"]
    for index in (1, 2):
        cells += [f"{walks['semcom'][index].esn0_db:.2f}", *(rate_of(walk[index]) for walk in walks.values())]
    return "| " + " | ".join([*cells, f"**{needed['semcom'] - needed['Sionna']:+.2f}**"]) + " |"


def rate_of(point: Point) -> str:
    """An error rate with its 95 % Wilson interval."""
    low, high = binomtest(point.errors, point.blocks).proportion_ci(method="wilson")
    return f"{point.errors / point.blocks:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--long", action="store_true", help="all codes, and more blocks")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--blocks", type=int, help="blocks a point of the second table; 0 leaves it out")
    options.add_argument("--sizes", type=int, nargs="+")
    options.add_argument("--rates", nargs="+")
    chosen = options.parse_args()
    for name, value in (LONG if chosen.long else QUICK).items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    try:
        import torch
        from sionna.phy.fec import ldpc  # noqa: F401
    except ImportError:
        raise SystemExit("no sionna here: pip install sionna-no-rt") from None
    torch.set_num_threads(1)
    cases = {f"k={k}, rate {rate}": case_of(k, rate) for k in chosen.sizes for rate in chosen.rates}
    rows = {name: throughput(case, chosen.rounds) for name, case in cases.items()}
    print_table(
        "LDPC decoding, 20 iterations", "million information bits a second", rows, ["Sionna", "Sionna, min-sum"]
    )
    if chosen.blocks:
        print(f"\n## Block error rates of LDPC decoding, QPSK\n\n{machine()}; {chosen.blocks} blocks a point\n")
        print("| | Es/N0 (dB) | semcom | Sionna | Es/N0 (dB) | semcom | Sionna | dB more at 1/100 |\n|" + "---|" * 8)
        for case in cases.values():
            print(error_rates(case, chosen.blocks), flush=True)


if __name__ == "__main__":
    main()
