"""Measure the Es/N0 that schemes need over AWGN, and write `sim/links/thresholds.csv`.

The chain is the one that links run: transport blocks of one code block, QAM of TS 38.211, AWGN, the exact demapper, 20
iterations of the decoder. For each scheme and size, points are measured from a block error rate of about 1/2 down to
about 1/1000, and a waterfall is fitted to them by maximum likelihood:

    BLER = Q((esn0_db - mu_db) / sigma_db)

Usage: link_thresholds.py [--processes N] [--blocks N] [--out FILE] [--only MODULATION-RATE]
"""

from __future__ import annotations

import argparse
import csv
import datetime
import importlib.metadata
import io
import math
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm
from semcom.sim.channels.awgn import awgn, n0_from_esn0_db
from semcom.sim.constellations.demapper import demap
from semcom.sim.constellations.qam import modulate
from semcom.sim.links.mcs import LINK_SCHEMES, Scheme, parse_scheme
from semcom.sim.links.transport_block import (
    TransportBlockPlan,
    coded_bits_for,
    decode_transport_block,
    encode_transport_block,
    plan_transport_block,
)

RATES_BETWEEN = {
    2: (64, 98, 138, 157, 256, 257, 280, 379, 526, 679, 758, 820),
    4: (406, 462, 522, 585, 720, 776, 832, 880),
    6: (910,),
}
"""Beyond the tables, where base graphs change (256 to 257), where repetition is uneven, where rows are far apart."""
SCHEMES = (*LINK_SCHEMES, *(Scheme(bits, rate) for bits, rates in RATES_BETWEEN.items() for rate in rates))
SEED = 20
SIZES = (128, 512, 2048, 8448)
LARGEST_LOW_RATE = 3840  # of a code block at rates up to 1/4
ENOUGH_ERRORS = 150
FEWEST_ERRORS = 3
BATCH = 100
TABLE = Path(__file__).resolve().parents[1] / "sim" / "links" / "thresholds.csv"
ITERATIONS = 20


class Point(NamedTuple):
    """Errors among blocks at one Es/N0."""

    esn0_db: float
    errors: int
    blocks: int


class Waterfall(NamedTuple):
    """A fit, and the standard deviations of its two numbers."""

    mu_db: float
    sigma_db: float
    mu_sd_db: float
    sigma_sd_db: float
    correlation: float


def plan_of(scheme: Scheme, block_bits: int) -> TransportBlockPlan:
    """Plan a frame of one code block of about this size."""
    if scheme.code_rate <= 0.25:
        block_bits = min(block_bits, LARGEST_LOW_RATE)
    payload_bits = block_bits - (24 if block_bits - 16 > 3824 else 16)
    coded_bits = coded_bits_for(payload_bits, scheme.code_rate, scheme.bits_per_symbol)
    return plan_transport_block(payload_bits, coded_bits, scheme.bits_per_symbol, code_rate=scheme.code_rate)


def count_errors(plan: TransportBlockPlan, esn0_db: float, frames: int, rng: np.random.Generator) -> int:
    """Send frames and count those whose payload came out wrong."""
    payload = rng.integers(0, 2, (frames, plan.payload_bits), dtype=np.uint8)
    symbols = modulate(encode_transport_block(plan, payload).reshape(-1), plan.bits_per_symbol)
    noise = rng.standard_normal((symbols.size, 2), dtype=np.float32).view(np.complex64)[:, 0] / np.float32(math.sqrt(2))
    n0 = float(n0_from_esn0_db(esn0_db))
    llrs = demap(awgn(symbols, noise, n0), n0, plan.bits_per_symbol, method="exact").astype(np.float32)
    found = decode_transport_block(plan, llrs.reshape(frames, -1), iterations=ITERATIONS)
    return int((found.payload != payload).any(axis=1).sum())


def measure(plan: TransportBlockPlan, most_blocks: int, rng: np.random.Generator) -> list[Point]:
    """Find the waterfall, then walk down it."""
    batch = min(BATCH, max(20, 200_000 // plan.coded_bits))
    step = 0.09 * math.sqrt(8448 / plan.block_bits) ** 0.8
    esn0_db = round(10 * math.log10(2 ** (plan.code_rate * plan.bits_per_symbol) - 1) + 0.5, 2)
    while count_errors(plan, esn0_db, batch, rng) > 0.6 * batch:
        esn0_db += 4 * step
    while count_errors(plan, esn0_db, batch, rng) < 0.4 * batch:
        esn0_db -= step
    points = []
    while not points or points[-1].errors > FEWEST_ERRORS:
        errors = blocks = 0
        while blocks < most_blocks and errors < ENOUGH_ERRORS:
            errors += count_errors(plan, esn0_db, batch, rng)
            blocks += batch
        points.append(Point(esn0_db, errors, blocks))
        esn0_db += step
    return points


def fit(points: list[Point]) -> Waterfall:
    """Fit by maximum likelihood; deviations from the Fisher information."""
    x, k, n = (np.array(column, float) for column in zip(*points, strict=True))

    def loss(theta: np.ndarray) -> float:
        t = (x - theta[0]) / math.exp(theta[1])
        return -float(np.sum(k * norm.logsf(t) + (n - k) * norm.logcdf(t)))

    first = [x[0], math.log(max(x[-1] - x[0], 0.1) / 3)]
    mu, log_sigma = minimize(loss, first, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-6}).x
    sigma = math.exp(log_sigma)
    t = (x - mu) / sigma
    weight = n * norm.pdf(t) ** 2 / (norm.sf(t) * norm.cdf(t)) / sigma**2
    gradient = np.stack([np.ones_like(t), t])
    covariance = np.linalg.inv((gradient * weight) @ gradient.T)
    sd = np.sqrt(np.diag(covariance))
    return Waterfall(float(mu), sigma, float(sd[0]), float(sd[1]), float(covariance[0, 1] / sd[0] / sd[1]))


def one(job: tuple[Scheme, int, int]) -> tuple[Scheme, int, list[Point], Waterfall]:
    """Measure and fit one scheme at one size; its randomness is its own."""
    scheme, size, most_blocks = job
    plan = plan_of(scheme, size)
    seed = np.random.SeedSequence([SEED, scheme.bits_per_symbol, int(2 * scheme.code_rate_x1024), size])
    points = measure(plan, most_blocks, np.random.default_rng(seed))
    return scheme, plan.block_bits, points, fit(points)


def write(path: Path, rows: list[tuple[Scheme, int, list[Point], Waterfall]], command: str) -> None:
    """Write the table, with where it came from at its head."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("gr-semcom", "numpy", "numba"))
    buffer = io.StringIO()
    for line in (
        "Block error rate over AWGN: BLER = Q((esn0_db - mu_db) / sigma_db), fitted by maximum likelihood",
        f"Chain: TS 38.212 code blocks, QAM of TS 38.211, exact demapper, {ITERATIONS} iterations",
        f"Command: {command}; seed {SEED}",
        f"Versions: {versions}, Python {sys.version.split()[0]}; date {datetime.date.today().isoformat()}",
    ):
        buffer.write(f"# {line}\n")
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["bits_per_symbol", "code_rate_x1024", "block_bits", *Waterfall._fields, "blocks"])
    for scheme, block_bits, points, found in rows:
        numbers = [f"{value:.4f}" for value in found]
        measured = sum(point.blocks for point in points)
        table.writerow([scheme.bits_per_symbol, f"{scheme.code_rate_x1024:g}", block_bits, *numbers, measured])
    path.write_text(buffer.getvalue(), encoding="utf-8")


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--blocks", type=int, default=3000, help="most blocks a point")
    options.add_argument("--out", type=Path, default=TABLE)
    options.add_argument("--only", type=parse_scheme, help="one scheme; nothing is written")
    chosen = options.parse_args()
    schemes = SCHEMES if chosen.only is None else (chosen.only,)
    jobs = [(scheme, size, chosen.blocks) for scheme in schemes for size in SIZES]
    rows = []
    with get_context("spawn").Pool(chosen.processes) as pool:
        for row in pool.imap(one, jobs):
            scheme, block_bits, points, found = row
            walk = " ".join(f"{point.esn0_db:.2f}:{point.errors}/{point.blocks}" for point in points)
            print(
                f"{scheme.name} K'={block_bits}: mu {found.mu_db:.3f} sigma {found.sigma_db:.3f} dB; {walk}", flush=True
            )
            rows.append(row)
            if chosen.only is None:
                write(chosen.out, rows, f"benchmarks/link_thresholds.py --blocks {chosen.blocks}")


if __name__ == "__main__":
    main()
