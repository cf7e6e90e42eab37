"""Measure the Es/N0 that schemes need over AWGN, and write `sim/links/thresholds.csv`.

The chain is the one that links run: transport blocks of one code block, QAM of TS 38.211, AWGN, the exact demapper, 20
iterations of the decoder. For each scheme and size, points are measured from a block error rate of about 1/2 down to
about 1/1000, and a waterfall is fitted to them by maximum likelihood:

    BLER = Q((esn0_db - mu_db) / sigma_db)

``--shaped`` measures shaped constellations in their place, with 50 iterations, and writes
`sim/links/shaped_thresholds.csv`.

Usage: link_thresholds.py [--shaped] [--processes N] [--blocks N] [--out FILE] [--only SCHEME]
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
from semcom.sim.links.shaped_block import (
    ShapedBlockPlan,
    decode_shaped_block,
    encode_shaped_block,
    plan_shaped_block,
)
from semcom.sim.links.shaped_qam import ShapedQam
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
    6: (341, 400, 910),
    8: (461, 530, 606),
}
"""Beyond the tables, where base graphs change (256 to 257), where repetition is uneven, where rows are far apart; and
for fading, which dense constellations of low code rates stand best."""
SCHEMES = (*LINK_SCHEMES, *(Scheme(bits, rate) for bits, rates in RATES_BETWEEN.items() for rate in rates))
SEED = 20
SIZES = (128, 512, 2048, 8448)
LARGEST_LOW_RATE = 3840  # of a code block at rates up to 1/4
ENOUGH_ERRORS = 150
FEWEST_ERRORS = 3
BATCH = 100
TABLES = Path(__file__).resolve().parents[1] / "sim" / "links"
ITERATIONS = 20
SHAPED_BITS_PER_USE = {
    6: (1.2, 1.8, 2.4, 3.0, 3.5, 3.9),
    8: (3.5, 3.9, 4.5, 5.2, 5.9),
    10: (5.2, 5.9, 6.8, 7.6, 8.5),
}
SHAPED_SCHEMES = tuple(ShapedQam(bits, use) for bits, uses in SHAPED_BITS_PER_USE.items() for use in uses)
SHAPED_SIZES = {6: (512, 2048, 8448), 8: (1024, 2048, 8448), 10: (4224, 8448)}
SHAPED_ITERATIONS = 50
SENDINGS = 10  # of each shaped frame, which takes longer to make than to decode


Plan = TransportBlockPlan | ShapedBlockPlan


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


Row = tuple[Scheme | ShapedQam, int, list[Point], Waterfall]


def plan_of(scheme: Scheme | ShapedQam, block_bits: int) -> Plan:
    """Plan a frame of one code block of about this size."""
    if isinstance(scheme, ShapedQam):
        plan = plan_shaped_block(scheme, int(block_bits / (scheme.code_rate * scheme.bits_per_symbol)))
        assert plan
        return plan
    if scheme.code_rate <= 0.25:
        block_bits = min(block_bits, LARGEST_LOW_RATE)
    payload_bits = block_bits - (24 if block_bits - 16 > 3824 else 16)
    coded_bits = coded_bits_for(payload_bits, scheme.code_rate, scheme.bits_per_symbol)
    return plan_transport_block(payload_bits, coded_bits, scheme.bits_per_symbol, code_rate=scheme.code_rate)


def sizes_of(scheme: Scheme | ShapedQam) -> tuple[int, ...]:
    """Bits of code blocks to measure."""
    return SHAPED_SIZES[scheme.bits_per_symbol] if isinstance(scheme, ShapedQam) else SIZES


def count_errors(plan: Plan, esn0_db: float, frames: int, rng: np.random.Generator) -> int:
    """Send frames and count those whose payload came out wrong."""
    if isinstance(plan, ShapedBlockPlan):
        return sum(
            _shaped_errors(plan, esn0_db, min(SENDINGS, frames - sent), rng) for sent in range(0, frames, SENDINGS)
        )
    payload = rng.integers(0, 2, (frames, plan.payload_bits), dtype=np.uint8)
    symbols = modulate(encode_transport_block(plan, payload).reshape(-1), plan.bits_per_symbol)
    noise = rng.standard_normal((symbols.size, 2), dtype=np.float32).view(np.complex64)[:, 0] / np.float32(math.sqrt(2))
    n0 = float(n0_from_esn0_db(esn0_db))
    llrs = demap(awgn(symbols, noise, n0), n0, plan.bits_per_symbol, method="exact").astype(np.float32)
    found = decode_transport_block(plan, llrs.reshape(frames, -1), iterations=ITERATIONS)
    return int((found.payload != payload).any(axis=1).sum())


def _shaped_errors(plan: ShapedBlockPlan, esn0_db: float, sendings: int, rng: np.random.Generator) -> int:
    """Send one frame several times and count how often it came out wrong."""
    bits, law = plan.scheme.bits_per_symbol, plan.scheme.law
    payload = rng.integers(0, 2, plan.payload_bits, dtype=np.uint8)
    symbols = modulate(encode_shaped_block(plan, payload), bits, law)
    noise = rng.standard_normal((sendings, symbols.size, 2), dtype=np.float32).view(np.complex64)[..., 0]
    n0 = float(n0_from_esn0_db(esn0_db))
    received = awgn(np.tile(symbols, (sendings, 1)), noise / np.float32(math.sqrt(2)), n0)
    llrs = demap(received.reshape(-1), n0, bits, method="exact", law=law).astype(np.float32)
    found = decode_shaped_block(plan, llrs.reshape(sendings, -1), iterations=SHAPED_ITERATIONS)
    return int((found.payload != payload).any(axis=1).sum())


def measure(plan: Plan, bits_per_use: float, most_blocks: int, rng: np.random.Generator) -> list[Point]:
    """Find the waterfall, then walk down it."""
    batch = min(BATCH, max(20, 200_000 // plan.coded_bits))
    step = 0.09 * math.sqrt(8448 / plan.block_bits) ** 0.8
    esn0_db = round(10 * math.log10(2**bits_per_use - 1) + 0.5, 2)
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


def one(job: tuple[Scheme | ShapedQam, int, int]) -> Row:
    """Measure and fit one scheme at one size; its randomness is its own."""
    scheme, size, most_blocks = job
    plan = plan_of(scheme, size)
    told = int(2 * scheme.code_rate_x1024) if isinstance(scheme, Scheme) else int(1000 * scheme.bits_per_use)
    seed = np.random.SeedSequence([SEED, scheme.bits_per_symbol, told, size])
    bits_per_use = (
        plan.code_rate * plan.bits_per_symbol if isinstance(plan, TransportBlockPlan) else scheme.bits_per_use
    )
    points = measure(plan, bits_per_use, most_blocks, np.random.default_rng(seed))
    return scheme, plan.block_bits, points, fit(points)


def write(path: Path, rows: list[Row], command: str) -> None:
    """Write the table, with where it came from at its head."""
    is_shaped = isinstance(rows[0][0], ShapedQam)
    chain = (
        f"shaped frames of one code block, exact demapper, {SHAPED_ITERATIONS} iterations, each sent {SENDINGS} times"
        if is_shaped
        else f"TS 38.212 code blocks, QAM of TS 38.211, exact demapper, {ITERATIONS} iterations"
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("gr-semcom", "numpy", "numba"))
    buffer = io.StringIO()
    for line in (
        "Block error rate over AWGN: BLER = Q((esn0_db - mu_db) / sigma_db), fitted by maximum likelihood",
        f"Chain: {chain}",
        f"Command: {command}; seed {SEED}",
        f"Versions: {versions}, Python {sys.version.split()[0]}; date {datetime.date.today().isoformat()}",
    ):
        buffer.write(f"# {line}\n")
    table = csv.writer(buffer, lineterminator="\n")
    told = "bits_per_use" if is_shaped else "code_rate_x1024"
    table.writerow(["bits_per_symbol", told, "block_bits", *Waterfall._fields, "blocks"])
    for scheme, block_bits, points, found in rows:
        numbers = [f"{value:.4f}" for value in found]
        measured = sum(point.blocks for point in points)
        told = scheme.bits_per_use if isinstance(scheme, ShapedQam) else scheme.code_rate_x1024
        table.writerow([scheme.bits_per_symbol, f"{told:g}", block_bits, *numbers, measured])
    path.write_text(buffer.getvalue(), encoding="utf-8")


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--blocks", type=int, default=3000, help="most blocks a point")
    options.add_argument("--out", type=Path, help="default: the table that is shipped")
    options.add_argument("--shaped", action="store_true", help="shaped constellations")
    options.add_argument("--only", help="one scheme, by name; nothing is written")
    chosen = options.parse_args()
    schemes = SHAPED_SCHEMES if chosen.shaped else SCHEMES
    if chosen.only is not None:
        schemes = [scheme for scheme in schemes if scheme.name == chosen.only] or [parse_scheme(chosen.only)]
    out = chosen.out or TABLES / ("shaped_thresholds.csv" if chosen.shaped else "thresholds.csv")
    jobs = [(scheme, size, chosen.blocks) for scheme in schemes for size in sizes_of(scheme)]
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
                shaped = "--shaped " if chosen.shaped else ""
                write(out, rows, f"benchmarks/link_thresholds.py {shaped}--blocks {chosen.blocks}")


if __name__ == "__main__":
    main()
