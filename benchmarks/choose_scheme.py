"""What links of free code rate and of shaped points carry, beside one of the tables, and whether their frames arrive.

    python benchmarks/choose_scheme.py [--uses N] [--failure-rate P] [--esn0-db DB ...] [--frames N]

Prints a row an Es/N0: information bits a use of ``scheme: adapted``, ``matched`` and ``shaped``, check sums off, and
the capacity. With ``--frames`` so many frames of the last two are sent at the very Es/N0 that each is said to need,
which is the worst of what it meets; printed are those that failed, and the upper 95 % bound of their share.
"""

from __future__ import annotations

import argparse

import numpy as np
from link_thresholds import BATCH, count_errors
from scipy.stats import beta
from semcom.sim.links.capacity import capacity_of_gain
from semcom.sim.links.choose_scheme import choose_scheme, match_scheme, shape_scheme
from semcom.sim.links.frame import plan_frame
from semcom.sim.links.mcs import Scheme
from semcom.sim.links.shaped_qam import ShapedQam
from semcom.sim.links.thresholds import required_esn0_db

SEED = 21


def bits_per_use(scheme: Scheme | ShapedQam | None, uses: int) -> float:
    """Payload bits a use; none of a scheme that is not there."""
    plan = plan_frame(scheme, uses) if scheme else None
    return plan.payload_bits / uses if plan else 0.0


def count_failures(scheme: Scheme | ShapedQam, uses: int, esn0_db: float, frames: int) -> int:
    """Send frames, and count those that failed."""
    plan = plan_frame(scheme, uses)
    assert plan
    rng = np.random.default_rng([SEED, scheme.bits_per_symbol, int(1024 * scheme.bits_per_use), uses])
    sent = range(0, frames, BATCH)
    return sum(count_errors(plan, esn0_db, min(BATCH, frames - first), rng) for first in sent)


def main() -> None:
    """Choose, send, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--uses", type=int, default=49_060, help="of a frame; 1/24 of 512 x 768, less the header")
    options.add_argument("--failure-rate", type=float, default=0.01)
    options.add_argument("--esn0-db", type=float, nargs="+", default=[-5, 0, 5, 10, 15, 20])
    options.add_argument("--frames", type=int, default=0)
    given = options.parse_args()
    print("| Es/N0, dB | adapted | bits a use | matched | bits a use | shaped | bits a use | capacity |")
    print("|---:|---|---:|---|---:|---|---:|---:|")
    for esn0_db in given.esn0_db:
        chosen = [
            choose(esn0_db, given.uses, given.failure_rate) for choose in (choose_scheme, match_scheme, shape_scheme)
        ]
        cells = [f"{scheme} | {bits_per_use(scheme, given.uses):.3f}" for scheme in chosen]
        print(f"| {esn0_db:g} | {' | '.join(cells)} | {capacity_of_gain(esn0_db, 1.0):.3f} |", flush=True)
        for scheme in chosen[1:] if given.frames else ():
            if scheme is None:
                continue
            needed_db = required_esn0_db(scheme, given.uses, given.failure_rate)
            failed = count_failures(scheme, given.uses, needed_db, given.frames)
            bound = float(beta.ppf(0.95, failed + 1, given.frames - failed))
            print(f"  {scheme} at {needed_db:.3f} dB: {failed} of {given.frames} failed, up to {bound:.4f}", flush=True)


if __name__ == "__main__":
    main()
