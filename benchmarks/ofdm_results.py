"""The page on OFDM bursts: pictures against a genie, short bursts, peaks, and the pictures of a testbed.

    python benchmarks/ofdm_results.py

Runs `radio_loopback` with OFDM and `testbed_ofdm` at length, half an hour on one core in all, and goes on where it was
stopped. Writes ``docs/ofdm-results.md`` and, with every point and interval, ``docs/ofdm-results.csv`` and
``docs/ofdm-testbed.csv``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import burst_peers
import false_alarms
import numpy as np
import scipy.fft
import testbed_ofdm
from numpy.typing import NDArray
from radio_loopback import CLOCKS_PPM, ESN0S_DB, NEAR_DB, OFDM, OFDM_AIR, OFFSETS, grid, header_errors
from radio_results import DOCS, grid_lines, percent, verdict
from rows import Rows
from semcom.sim.metrics.papr import papr_db
from semcom.sim.noise import CounterNoise
from semcom.sim.waveform.ofdm_peaks import without_distortion
from semcom.sim.waveform.peaks import Peaks, PeaksKind

SYMBOLS = 960_000
HEAD = """# What OFDM bursts cost

Made by `python benchmarks/ofdm_results.py`. Each point with all intervals: `ofdm-results.csv`, `ofdm-testbed.csv`.

## Pictures, against a receiver that is told everything

The chain of `radio-loopback-ofdm`: photographs of 256 x 256 by DeepJSCC at CBR 1/12, as [OFDM bursts](waveform.md) of
64 carriers at 10 MS/s through the multipath of TDL-A with 30 ns, carrier and clock offset, and noise. Offsets are in
shares of the sample rate. The genie gets the same bursts through the same multipath and as much noise, without offsets,
and divides each carrier by its true gain. The loss is the difference of the two PSNRs, picture by picture, of the
bursts that were read; {bursts} bursts a point, intervals of 95 %. Without *fading* the multipath has its shape alone,
and the Es/N0 is that of each burst; with it, a Rayleigh gain of each path a burst, the Es/N0 is that of the mean.

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

The preamble is that of a single carrier at half the sample rate, with offsets up to 2 % of the sample rate: twice as
many places of the second root, and so a higher threshold, as `benchmarks/false_alarms.py` says.

"""
PEERS = """
## Beside liquid-dsp

`benchmarks/burst_peers.py --waveform ofdm`: bursts of 64 bytes at 10 MS/s on 64 carriers with a prefix of 16, of which
52 and 50 are used, in the same realisations of the channel: TDL-A of 30 ns without its fading, 20 ppm. liquid-dsp's
`ofdmflexframe` was taken as it comes; it has another code on the header and none on the payload, ours a convolutional
code of rate 1/2. So what is detected, and which headers are read, is for the receivers; the payload is for the codes as
well. 100 kHz are 1 % of the sample rate.

"""
PEAKS = """
## Peaks

{symbols} symbols of Gaussian payload on 52 of 64 carriers. *Above 8 dB* is the share of OFDM symbols that have a sample
of more than 8 dB over the mean power; of 64 independent Gaussian samples it would be
1 - (1 - exp(-g))^64 = {share:.1f} %.
Distortion is what is left on the used carriers once the gain is taken off, over the signal: a ceiling of the Es/N0 that
a receiver has which is told nothing of it; one that is told (`peaks` of `sync/ofdm`) has the next column, without
noise. What lies on the guard carriers is a share of the power. Bursts are of 32,768 symbols; between samples peaks are
higher.

| peaks | headroom, dB | PAPR of a burst, dB | above 8 dB, % | distortion, dB | receiver told, dB | on the guards, dB |
|---|---:|---:|---:|---:|---:|---:|
"""
TESTBED = """
## Pictures of 256 x 256 at CBR 1/6

`benchmarks/testbed_ofdm.py`: `radio-loopback-ofdm` at 20 MS/s, 30 kHz and 20 ppm off, noise, no multipath; the five
built-in photographs. The testbed is others' (deepjsccq-ofdm-fpga: two boards over the air at 915 MHz, 64 carriers,
20 MS/s): one picture of DIV2K as 32,768 symbols of 64-QAM, by a network of its own in fixed point, at the SNR that its
receiver measured. Ours are other pictures, simulated, with start word, header and pilots counted in the CBR: it is
0.183 for a payload of 1/6.

| | {names} | mean | the testbed's picture |
|---|{dashes}---:|---:|
"""
CLIFF = """
## Where a classical link breaks

The same waveform, pictures and CBR: HEVC intra with 5G LDPC in the schemes that are best for 10 and for 18 dB, whatever
the channel then is, beside learned symbols; PSNR in dB, means over the five photographs, of which one that fails counts
as the mean colour of photographs; *failed* where some did. On the testbed JPEG with a convolutional code broke at 17 to
20 dB.

| Es/N0, dB | {systems} |
|---:|{dashes}
"""


def peaks_lines() -> list[str]:
    """Rows of the table of peaks."""
    w, lines = OFDM, []
    plain = in_time(CounterNoise(3).complex_normal(0, SYMBOLS))
    choices: list[tuple[PeaksKind, float]] = [
        ("keep", 0.0),
        *((kind, headroom) for headroom in (6.0, 4.0) for kind in ("clip", "clip_and_filter", "compress")),
    ]
    for kind, headroom_db in choices:
        y = Peaks(kind, headroom_db).reduced(plain, w.carriers)
        spectra = scipy.fft.fft(y, axis=-1)
        scale = np.float32(np.sqrt(w.used_carriers) / w.n_fft)
        used, sent = (scipy.fft.fft(x, axis=-1)[:, w.carriers] * scale for x in (y, plain))
        left = cleaned = distortion(used, sent)
        if kind != "keep":
            none = np.zeros(used.shape, np.float32)
            cleaned = distortion(without_distortion(w, Peaks(kind, headroom_db), used, none), sent)
        silent = np.delete(spectra, w.carriers % w.n_fft, axis=1)
        guards = float(np.sum(np.abs(silent) ** 2) / np.sum(np.abs(spectra) ** 2))
        rows = 32_768 // w.data_carriers
        paprs = [papr_db(y[at : at + rows].reshape(-1)) for at in range(0, y.shape[0] - rows, rows)]
        above = float(np.mean((np.abs(y) ** 2).max(axis=1) > 10**0.8))
        lines.append(
            f"| {kind} | {'' if kind == 'keep' else f'{headroom_db:g}'} | {np.mean([p for p in paprs if p]):.1f} | "
            f"{100 * above:.2g} | {decibels(left)} | {decibels(cleaned)} | {decibels(guards)} |"
        )
    return lines


def in_time(data: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return OFDM symbols without prefix, of unit mean power, pilots among the data."""
    w = OFDM
    burst = w.modulate(w.body_symbols(data))
    return burst[-w.rows(data.size) * w.row :].reshape(-1, w.row)[:, w.prefix :]


def distortion(found: NDArray[np.complex64], sent: NDArray[np.complex64]) -> float:
    """What is not like what was sent, over what is."""
    gain = np.vdot(sent, found) / np.vdot(sent, sent).real
    return float(np.mean(np.abs(found - gain * sent) ** 2) / np.mean(np.abs(gain * sent) ** 2))


def decibels(ratio: float) -> str:
    """A ratio in dB; nothing where there is none."""
    return f"{10 * np.log10(ratio):.1f}" if ratio > 1e-9 else ""


def testbed_lines(rows: Rows) -> list[str]:
    """The pictures at the testbed's two SNRs."""
    names = [name.removeprefix("psnr_db ") for name in rows.all[0] if name.startswith("psnr_db ")]
    lines = [TESTBED.format(names=" | ".join(names), dashes="---:|" * len(names)).rstrip()]
    for esn0_db, theirs in testbed_ofdm.TESTBED.items():
        for row in rows.all:
            if row["esn0_db"] == esn0_db:
                values = " | ".join(f"{row[f'psnr_db {name}']:.1f}" for name in names)
                lines.append(f"| {row['system']}, {esn0_db:g} dB | {values} | {row['psnr_db']:.1f} | {theirs:.1f} |")
    return lines


def cliff_lines(rows: Rows) -> list[str]:
    """PSNR over Es/N0 of all systems."""
    systems = list(testbed_ofdm.SYSTEMS)
    lines = [CLIFF.format(systems=" | ".join(systems), dashes="---:|" * len(systems)).rstrip()]
    for esn0_db in testbed_ofdm.ESN0S_DB:
        cells = []
        for system in systems:
            (row,) = [row for row in rows.all if row["system"] == system and row["esn0_db"] == esn0_db]
            failed = f", {100 * row['failed']:.0f} % failed" if row["failed"] else ""
            cells.append(f"{row['psnr_db']:.1f}{failed}")
        lines.append(f"| {esn0_db:g} | {' | '.join(cells)} |")
    return lines


def near_lines(rows: Rows, bursts: int, esn0s_db: Sequence[float]) -> list[str]:
    """The table of short bursts."""
    lines = [NEAR.format(bursts=bursts).rstrip()]
    for esn0_db in esn0s_db:
        row = rows.once({"esn0_db": esn0_db}, partial(header_errors, esn0_db, bursts, OFDM_AIR))
        missed, failed = (percent(row, name, f"{name}_low", f"{name}_high") for name in ("missed", "not_read"))
        lines.append(f"| {esn0_db} | {missed} | {failed} |")
    return lines


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bursts", type=int, default=50)
    parser.add_argument("--headers", type=int, default=1000)
    parser.add_argument("--noise-samples", type=lambda text: int(float(text)), default=500_000_000)
    parser.add_argument("--peers", type=int, default=100, help="bursts of each point beside liquid-dsp")
    parser.add_argument("--work", type=Path, default=Path("out/ofdm-results"), help="where rows are kept")
    given = parser.parse_args()
    points, near = Rows(given.work / "grid.csv"), Rows(given.work / "short-bursts.csv")
    grid(points, given.bursts, ESN0S_DB, OFFSETS, CLOCKS_PPM, OFDM_AIR)
    lines = [HEAD.format(bursts=given.bursts, verdict=verdict(points.all)).rstrip(), *grid_lines(points.all)]
    lines += near_lines(near, given.headers, NEAR_DB)
    noise = false_alarms.measured(given.work / "noise.csv", given.noise_samples, 10, OFDM.preamble)
    lines += [NOISE.rstrip(), "", *noise]
    contestants = burst_peers.peers("ofdm")
    contestants.pop("liquid framesync64", None)  # it is no OFDM
    lines += [PEERS.rstrip(), ""]
    lines += burst_peers.frames(contestants, given.peers, Rows(given.work / "burst-peers.csv"))
    share = 100 * (1 - (1 - np.exp(-(10**0.8))) ** OFDM.n_fft)
    lines += [PEAKS.format(symbols=f"{SYMBOLS:,}", share=share).rstrip(), *peaks_lines()]
    pictures = Rows(given.work / "testbed.csv")
    testbed_ofdm.measure(pictures)
    lines += [*testbed_lines(pictures), *cliff_lines(pictures)]
    (DOCS / "ofdm-results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (DOCS / "ofdm-results.csv").write_bytes((given.work / "grid.csv").read_bytes())
    (DOCS / "ofdm-testbed.csv").write_bytes((given.work / "testbed.csv").read_bytes())
    print(DOCS / "ofdm-results.md")


if __name__ == "__main__":
    main()
