"""The page on what synchronisation costs: pictures against a genie, short bursts, noise alone, and other receivers.

    python benchmarks/radio_results.py

Runs `radio_loopback`, `false_alarms` and `burst_peers` at length, an hour on one core in all, and goes on where it was
stopped. Writes ``docs/radio-results.md`` and ``docs/radio-results.csv``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import burst_peers
import false_alarms
from radio_loopback import CLOCKS_PPM, ESN0S_DB, NEAR_DB, OFFSETS, grid, header_errors
from rows import Rows

DOCS = Path(__file__).resolve().parents[1] / "docs"
GOAL_DB, FROM_DB = 0.5, 5
SAFE_DB = 15  # from here on hardly a burst is lost, and half as many will do
HEAD = """# What synchronisation costs

Made by `python benchmarks/radio_results.py`. Each point of the first table, with all intervals: `radio-results.csv`.

## Pictures, against a receiver that is told everything

The chain of `radio-loopback`: photographs of 256 x 256 by DeepJSCC at CBR 1/12, as [bursts](waveform.md) at 10 MS/s
through the multipath of TDL-A with 30 ns, carrier and clock offset, and noise. The genie gets the same bursts through
the same multipath and as much noise, without offsets, and equalises by the true impulse response, noise and time. The
loss is the difference of the two PSNRs, picture by picture, of the bursts that were read; {bursts} bursts a point,
half as many from 15 dB up; intervals of 95 %. Without *fading* the multipath has its shape alone, and the Es/N0 is that
of each burst; with it, a Rayleigh gain of each path a burst, the Es/N0 is that of the mean.
*Not read*: start word or header with errors, or taken for cut short. The genie's PSNR is that of all bursts, the other
one that of those that were read: with fading the weak ones are not among them, in the loss neither.

{verdict}

| Es/N0, dB | offset, % | clock, ppm | fading | detected, % | not read, % | genie, dB | PSNR, dB | loss, dB |
|---:|---:|---:|---|---:|---:|---:|---:|---:|
"""
NEAR = """
## Short bursts near the threshold

Bursts of 64 symbols with the header of a picture, offset 1 %, 20 ppm, multipath without its fading; {bursts} bursts a
row.

| Es/N0, dB | not detected, % | not read, % |
|---:|---:|---:|
"""
NOISE = """
## Noise alone

How often one root exceeds its threshold is exact for each position, $(1 - \\eta)^{N - 1}$: the count must lie in the
interval beside it, and would not if the threshold were off by a tenth of a decibel. A preamble needs both roots; what
is stated for it is an upper bound, and a quarter of that a lower one (`benchmarks/false_alarms.py` says why).

"""
PEERS = """
## Beside liquid-dsp

Bursts of 64 bytes at 10 MS/s, in the same realisations of the channel: ours and `framesync64` with 5 million symbols
a second on one carrier, `ofdmflexframe` with 64 carriers. TDL-A of 30 ns without its fading, 20 ppm. liquid-dsp's
receivers were taken as they come. They have other codes: of the payload ours has a convolutional code of rate 1/2,
decoded softly, `framesync64` a Golay code of rate 1/2 for header and payload together, `ofdmflexframe` none. So what
is detected, and which headers are read, is for the receivers; the payload is for the codes as well. An offset of 100
kHz is 2 % of our symbol rate.

"""


def percent(row: Mapping[str, Any], name: str, low: str, high: str) -> str:
    """A rate in per cent with its interval."""
    return f"{100 * row[name]:.3g} ({100 * row[low]:.2g} to {100 * row[high]:.3g})"


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say whether the goal is met."""
    asked = [row for row in rows if row["esn0_db"] >= FROM_DB and not row["fading"]]
    worst = max(asked, key=lambda row: row["loss_db"])
    read = sum(row["detected"] - row["header_errors"] for row in asked)
    return (
        f"From {FROM_DB} dB up the greatest loss is {worst['loss_db']:.2f} dB ({worst['loss_low_db']:.2f} to "
        f"{worst['loss_high_db']:.2f}; the goal is {GOAL_DB} dB), at {worst['esn0_db']:g} dB, an offset of "
        f"{worst['cfo']:.0%} and {worst['clock_ppm']} ppm; of {sum(row['bursts'] for row in asked)} bursts {read} were "
        "read."
    )


def grid_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of the first table."""
    lines = []
    for row in sorted(rows, key=lambda row: (row["esn0_db"], row["fading"])):
        loss = "-"
        if row["detected"] > row["header_errors"]:
            loss = f"{row['loss_db']:.2f} ({row['loss_low_db']:.2f} to {row['loss_high_db']:.2f})"
        lines.append(
            f"| {row['esn0_db']:g} | {100 * row['cfo']:g} | {row['clock_ppm']} | {'yes' if row['fading'] else 'no'} | "
            f"{percent(row, 'detection_rate', 'detection_low', 'detection_high')} | "
            f"{percent(row, 'header_error_rate', 'header_error_low', 'header_error_high')} | "
            f"{row['psnr_genie_db']:.2f} | {row['psnr_db']:.2f} | {loss} |"
        )
    return lines


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bursts", type=int, default=200)
    parser.add_argument("--headers", type=int, default=2000)
    parser.add_argument("--noise-samples", type=lambda text: int(float(text)), default=1_000_000_000)
    parser.add_argument("--peers", type=int, default=100, help="bursts of each point beside liquid-dsp")
    parser.add_argument("--work", type=Path, default=Path("out/radio-results"), help="where rows are kept")
    given = parser.parse_args()
    points, near = Rows(given.work / "grid.csv"), Rows(given.work / "short-bursts.csv")
    grid(points, given.bursts, [one for one in ESN0S_DB if one < SAFE_DB], OFFSETS, CLOCKS_PPM)
    grid(points, given.bursts // 2, [one for one in ESN0S_DB if one >= SAFE_DB], OFFSETS, CLOCKS_PPM)
    lines = [HEAD.format(bursts=given.bursts, verdict=verdict(points.all)).rstrip(), *grid_lines(points.all)]
    lines.append(NEAR.format(bursts=given.headers).rstrip())
    for esn0_db in NEAR_DB:
        row = near.once({"esn0_db": esn0_db}, partial(header_errors, esn0_db, given.headers))
        missed, failed = (percent(row, name, f"{name}_low", f"{name}_high") for name in ("missed", "not_read"))
        lines.append(f"| {esn0_db} | {missed} | {failed} |")
    lines += [NOISE.rstrip(), "", *false_alarms.measured(given.work / "noise.csv", given.noise_samples, 20)]
    lines += [PEERS.rstrip(), ""]
    lines += burst_peers.frames(burst_peers.peers(), given.peers, Rows(given.work / "burst-peers.csv"))
    (DOCS / "radio-results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (DOCS / "radio-results.csv").write_bytes((given.work / "grid.csv").read_bytes())
    print(DOCS / "radio-results.md")


if __name__ == "__main__":
    main()
