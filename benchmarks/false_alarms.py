"""False alarms of the burst detector in noise alone, against closed forms, part by part.

Two things are counted. How often the statistic of one root exceeds the threshold of 1e-6, at positions a symbol apart:
the noise behind the matched filter is white there, so (1 - eta)^(N - 1) is exact for each position, and the count must
lie in the interval of that mean. And how often a preamble is found, which needs both roots, at the flowgraph's rate of
1e-9 and at 1e-6 a position: what is stated is an upper bound, W p^2 for W places of the second root that are half a
symbol apart; of these and of the positions every second one alone is independent of its neighbours, so a quarter of it
is the lower bound.

Usage: ``python benchmarks/false_alarms.py --samples 1e9 --parts 20 --out false-alarms.csv``. A part that stands in the
file already is not run again; the table is printed of all that stand there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rows import Rows
from scipy.stats import chi2, poisson
from semcom.sim.noise import CounterNoise
from semcom.sim.waveform.detect import Detector
from semcom.sim.waveform.preamble import LENGTH, threshold
from semcom.sim.waveform.single_carrier import SingleCarrier

WAVEFORM = SingleCarrier()
SINGLE = 1e-6
"""Of one root, per position."""
RATES = (1e-9, 1e-6)
"""Of the detector, per position of two a symbol."""


def counts_of(key: int, samples: int) -> dict[str, int]:
    """Count in so many samples of noise."""
    detectors = {rate: Detector(WAVEFORM, rate) for rate in RATES}
    first = detectors[RATES[0]]
    eta, source = threshold(SINGLE, LENGTH), CounterNoise(key)
    counts = {"samples": 0, "positions": 0, "single": 0} | {f"found_{rate:g}": 0 for rate in RATES}
    while counts["samples"] < samples:
        chunk = source.complex_normal(counts["samples"], first.size)
        both = first.statistics(chunk)
        for statistic in both:
            apart = statistic[: first.positions // (WAVEFORM.samples_per_symbol // 2) : 2]
            counts["single"] += int((apart > eta).sum())
            counts["positions"] += apart.size
        for rate, detector in detectors.items():
            if both[0].max() > detector.eta:  # else it finds nothing
                counts[f"found_{rate:g}"] += detector.find(chunk) is not None
        counts["samples"] += first.positions
    return counts


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table of all parts together, with intervals of 95 %."""
    total = {name: sum(int(row[name]) for row in rows) for name in rows[0] if name != "part"}
    mean = total["positions"] * SINGLE
    low, high = poisson.interval(0.95, mean)
    looked = 2 * total["samples"] / WAVEFORM.samples_per_symbol
    lines = [
        f"| in {total['samples']:.3g} samples of noise | counted | expected |",
        "|---|---:|---:|",
        f"| one root above the threshold of {SINGLE:g} | {total['single']} | {mean:.0f} ({low:.0f} to {high:.0f}) |",
    ]
    for rate in RATES:
        found = total[f"found_{rate:g}"]
        least, most = chi2.ppf(0.025, 2 * found) / 2 if found else 0.0, chi2.ppf(0.975, 2 * found + 2) / 2
        lines.append(
            f"| preambles found at a rate of {rate:g} | {found} ({least:.3g} to {most:.3g}) | "
            f"{looked * rate / 4:.3g} to {looked * rate:.3g} |"
        )
    return lines


def main() -> None:
    """Count the parts that are missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=lambda text: int(float(text)), default=20_000_000)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("false-alarms.csv"))
    given = parser.parse_args()
    rows = Rows(given.out)
    for key in range(given.parts):
        rows.once({"part": key}, partial(counts_of, key, given.samples // given.parts))
    print("\n".join(table(rows.all)))


if __name__ == "__main__":
    main()
