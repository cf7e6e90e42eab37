"""DeepJSCC beside the classical links on the Kodak pictures: PSNR, MS-SSIM and lost pictures against Es/N0.

    python benchmarks/links_kodak.py --data DIR

Runs `semcom sweep` on the shipped flowgraphs, each picture whole, the same noise for all systems: AWGN from 0 to 20 dB
at CBR 1/12 and 1/6, and Rayleigh block fading (one gain a picture) at CBR 1/12. Goes on where it was stopped. Writes
``docs/links-kodak.md``, ``docs/links-kodak.csv`` and the figures ``docs/_static/links-kodak*.svg``.
"""

from __future__ import annotations

import argparse
import csv
import math
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from semcom.flowgraphs.experiments.points import points
from semcom.flowgraphs.experiments.results import iter_items
from semcom.flowgraphs.experiments.statistics import Interval, paired_difference, wilson
from semcom.models.deepjscc.cost import cost

DOCS = Path(__file__).resolve().parents[1] / "docs"
CBRS = ("1/12", "1/6")
REFERENCE = "deepjscc"
ANCHORS_DB = {"1/12": 36.27, "1/6": 40.74}  # BPG at capacity, 10 dB, from CompressAI's published points
SHOWN_DB = (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
FADING_DB = (5, 10, 15)
DRAWS = 2
KODAK = (512, 768)


class System(NamedTuple):
    """One line of the comparison."""

    name: str
    flowgraph: str
    variables: dict[str, str]
    csit: str
    style: str


def systems(cbr: str) -> list[System]:
    """Who is compared at a CBR."""
    adapted = {"cbr": cbr, "scheme": "adapted"}
    fixed = ("qpsk-1/2", "16qam-1/2", "64qam-2/3")
    return [
        System("deepjscc", "deepjscc-awgn", {"rate": cbr}, "mean", "C0-"),
        System("hevc-capacity", "hevc-capacity", {"cbr": cbr}, "mean", "k:"),
        System("hevc-ldpc adapted", "hevc-ldpc", adapted, "mean", "C3-"),
        *(
            System(f"hevc-ldpc {name.replace('/', ' by ')}", "hevc-ldpc", {"cbr": cbr, "scheme": name}, "none", "C1-")
            for name in fixed
        ),
        *(
            System(
                f"jpeg2000-ldpc {name.replace('/', ' by ')}",
                "jpeg2000-ldpc",
                {"cbr": cbr, "scheme": name},
                "none",
                "C2--",
            )
            for name in ("16qam-1/2",)
        ),
    ]


def sweep(out: Path, data: Path, chosen: Sequence[System], over: str, *options: str) -> list[str]:
    """Run one sweep, or finish it; returns the command, the folder of pictures left out."""
    command = ["sweep", *(f"{system.name}={system.flowgraph}" for system in chosen), "--over", over]
    for system in chosen:
        for name, value in system.variables.items():
            command += ["--var", f"{system.name}:{name}={value}"]
    command += ["--set", "photos.size=null", *options]
    done = subprocess.run([sys.executable, "-m", "semcom", *command, "--images", str(data), "--out", str(out)])
    if done.returncode:
        sys.exit(done.returncode)
    return [*command, "--images", "DIR"]


def rows_of(folder: Path, over: Sequence[str] = ("esn0_db",)) -> list[dict[str, Any]]:
    """The items of a sweep."""
    return [row | {"esn0_db": str(row["esn0_db"])} for row in iter_items(folder)]


def reduced(items: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Points by system and Es/N0."""
    return {(row["system"], str(row["esn0_db"])): row for row in points(items, ("esn0_db",), ())}


def quality(
    found: Mapping[tuple[str, str], Mapping[str, Any]], names: Sequence[str], column: str, digits: int
) -> list[str]:
    """A table: a row a system, a column an Es/N0."""
    lines = [f"| Es/N0 in dB | {' | '.join(map(str, SHOWN_DB))} |", "|---|" + "---:|" * len(SHOWN_DB)]
    for name in names:
        cells = [found[name, str(level)] for level in SHOWN_DB]
        shown = [_cell(cell[column], digits, cell.get("failure_rate")) for cell in cells]
        lines.append(f"| {title(name)} | {' | '.join(shown)} |")
    return lines


def title(name: str) -> str:
    """A system's name as tables and plots show it."""
    shown = {
        " by ": "/",
        "-ldpc": "+LDPC",
        "-capacity": "+capacity",
        "hevc": "HEVC",
        "jpeg2000": "JPEG2000",
        "deepjscc": "DeepJSCC",
    }
    for written, seen in shown.items():
        name = name.replace(written, seen)
    return name


def _cell(value: float, digits: int, failed: float | None) -> str:
    text = f"{value:.{digits}f}".removeprefix("0") if digits > 2 else f"{value:.{digits}f}"
    return f"({text})" if failed is not None and failed > 0.01 else text


def differences(items: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Paired differences to DeepJSCC, with intervals."""
    levels = (0, 5, 10, 14, 20) if any(item["esn0_db"] == "5" for item in items) else (0, 4, 10, 14, 20)
    lines = [f"| Es/N0 in dB | {' | '.join(map(str, levels))} |", "|---|" + "---:|" * len(levels)]
    for name in names:
        if name == REFERENCE:
            continue
        cells = []
        for level in levels:
            found: Interval = paired_difference(items, name, REFERENCE, "psnr_db", at={"esn0_db": level})
            cells.append(f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})")
        lines.append(f"| {title(name)} | {' | '.join(cells)} |")
    return lines


def costs(found: Mapping[tuple[str, str], Mapping[str, Any]], chosen: Sequence[System]) -> list[str]:
    """Parameters, operations, what the transmitter knows, side information."""
    learned = cost(height=KODAK[0], width=KODAK[1])
    lines = [
        "| system | parameters | GFLOP encode | GFLOP decode | CSIT | side information, bits | CBR |",
        "|---|---:|---:|---:|---|---:|---:|",
    ]
    for system in chosen:
        cell = found[system.name, "10"]
        network = (
            f"{learned.parameters / 1e6:.2f} M | {learned.encode_flops / 1e9:.1f} | {learned.decode_flops / 1e9:.1f}"
            if system.flowgraph.startswith("deepjscc")
            else "none | - | -"
        )
        side = f"{cell['side_information_bits']:.0f}"
        lines.append(f"| {title(system.name)} | {network} | {system.csit} | {side} | {cell['cbr']:.5f} |")
    return lines


def fading(items: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Outage, mean and percentiles under block fading."""
    lines = [f"| Es/N0 in dB | {' | '.join(map(str, FADING_DB))} |", "|---|" + "---:|" * len(FADING_DB)]
    for name in names:
        cells = []
        for level in FADING_DB:
            rows = [item for item in items if item["system"] == name and item["esn0_db"] == str(level)]
            values = [float(row["psnr_db"]) for row in rows]
            low, middle, high = np.percentile(values, (5, 50, 95))
            text = f"{np.mean(values):.2f}; {low:.1f}, {middle:.1f}, {high:.1f}"
            if rows[0]["failed"] is not None:
                lost = wilson(sum(row["failed"] for row in rows), len(rows))
                text += f"; {100 * lost.mean:.0f} % ({100 * lost.low:.0f} to {100 * lost.high:.0f})"
            cells.append(text)
        lines.append(f"| {title(name)} | {' | '.join(cells)} |")
    return lines


def draw_quality(path: Path, by_cbr: Mapping[str, Mapping[tuple[str, str], Mapping[str, Any]]]) -> None:
    """PSNR and MS-SSIM against Es/N0, a column a CBR."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "semcom"
    figure, axes = plt.subplots(2, len(by_cbr), figsize=(12, 9), sharex=True, squeeze=False)
    for column, (cbr, found) in enumerate(by_cbr.items()):
        for system in systems(cbr):
            levels = [level for level in SHOWN_DB if (system.name, str(level)) in found]
            for row, key in enumerate(("psnr_db", "ms_ssim")):
                values = [float(found[system.name, str(level)][key]) for level in levels]
                if key == "ms_ssim":
                    values = [-10 * math.log10(max(1 - value, 1e-6)) for value in values]
                wide = 1.0 if system.csit == "none" else 2.0
                alpha = 0.55 if system.csit == "none" else 1.0
                axes[row][column].plot(levels, values, system.style, linewidth=wide, alpha=alpha)
                if row == 0 and system.csit == "none":
                    axes[row][column].annotate(
                        title(system.name).split(" ")[-1], (levels[-1], values[-1]), fontsize=6, alpha=0.8
                    )
        axes[0][column].set_title(f"Kodak, AWGN, CBR {cbr}")
        axes[1][column].set_xlabel("Es/N0 in dB")
        axes[0][column].set_ylabel("PSNR in dB, mean of 24")
        axes[1][column].set_ylabel("MS-SSIM, −10 log10(1 − x) in dB")
        for row in (0, 1):
            axes[row][column].grid(alpha=0.3)
    seen = {}
    for system in systems(CBRS[0]):
        label = title(system.name) if system.csit == "mean" else title(system.name).split(" ")[0] + ", fixed schemes"
        seen.setdefault(label, (system.style, 1.0 if system.csit == "none" else 2.0))
    handles = [
        plt.Line2D([], [], label=label, color=_colour(style), linestyle=_line(style), linewidth=wide)
        for label, (style, wide) in seen.items()
    ]
    figure.legend(handles=handles, loc="lower center", ncol=3, frameon=False)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _colour(style: str) -> str:
    return style.rstrip("-:")


def _line(style: str) -> str:
    return style.removeprefix(_colour(style))


def page(commands: Mapping[str, Sequence[str]], found: Mapping[str, Any], items: Mapping[str, Any]) -> str:
    """The page of tables."""
    names = [system.name for system in systems(CBRS[0])]
    lines = [
        "# DeepJSCC beside the classical links, on Kodak",
        "",
        "Made by `python benchmarks/links_kodak.py --data DIR`, which runs these sweeps. Each point, with intervals: "
        "`links-kodak.csv`.",
        "",
        "```text",
        *(shlex.join(["semcom", *command]) for command in commands.values()),
        "```",
        "",
        "24 whole pictures, each with the same noise in all systems. SNR is Es/N0 per complex symbol; CBR counts side "
        "information, check sums, padding and headers of the file format. A picture that cannot be decoded is replaced "
        "by the mean colour of training photographs and stays in the mean; figures in (brackets) are points at which "
        "more than 1 % of the pictures were lost. *Adapted*: the scheme of TS 38.214 with the most bits whose picture "
        "failure rate is at most 1 % at this Es/N0. *Capacity*: an ideal code.",
        "",
        "```{image} _static/links-kodak.svg",
        ":alt: PSNR and MS-SSIM against Es/N0 at two CBRs.",
        ":width: 100%",
        "```",
    ]
    for cbr in CBRS:
        anchor = float(found[cbr]["hevc-capacity", "10"]["psnr_db"]) - ANCHORS_DB[cbr]
        lines += [
            "",
            f"## CBR {cbr}",
            "",
            "PSNR in dB",
            "",
            *quality(found[cbr], names, "psnr_db", 2),
            "",
            "MS-SSIM",
            "",
            *quality(found[cbr], names, "ms_ssim", 4),
            "",
            "PSNR less that of DeepJSCC in dB, paired by picture; 95 % interval bootstrapped over the pictures",
            "",
            *differences(items[cbr], names),
            "",
            f"At 10 dB `hevc-capacity` lies {anchor:+.2f} dB from BPG at capacity ({ANCHORS_DB[cbr]} dB: CompressAI's "
            "published rate-distortion points of BPG 4:4:4, interpolated).",
        ]
    lines += [
        "",
        "## What each costs",
        "",
        f"For a picture of {KODAK[0]} x {KODAK[1]} at CBR {CBRS[0]}, 10 dB. A multiplication and an addition are two "
        "operations; the classical coders are not counted in such operations.",
        "",
        *costs(found[CBRS[0]], systems(CBRS[0])),
        "",
        "## Rayleigh block fading, CBR 1/12",
        "",
        f"One gain a picture, {DRAWS} fades of each, the same for all systems and known to the receiver; the "
        "transmitter knows the mean Es/N0 alone. The adapted link takes the scheme that AWGN of the mean would carry, "
        "and `capacity` the capacity of the mean, so both lose a picture whenever its gain is below the mean. Each "
        "cell: mean PSNR; 5th, 50th and 95th percentile over all pictures and fades; pictures lost (outage).",
        "",
        *fading(items["fading"], list(dict.fromkeys(item["system"] for item in items["fading"]))),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--out", type=Path, default=Path("out/links-kodak"), help="folder of the sweeps")
    options = parser.parse_args()
    commands, items = {}, {}
    for cbr in CBRS:
        folder = options.out / cbr.replace("/", "-")
        commands[cbr] = sweep(folder, options.data, systems(cbr), "esn0_db=0:20:2")
        items[cbr] = rows_of(folder)
    faded = [system for system in systems("1/12") if system.name in FADED]
    swaps = [
        text
        for system in faded
        for text in (
            ("--set", f"{system.name}:channel.fading=rayleigh", "--set", f"{system.name}:channel.coherence=block")
            if system.flowgraph == "hevc-capacity"
            else ("--swap", f"{system.name}:channel=channels/rayleigh")
        )
    ]
    over = "esn0_db=" + ",".join(map(str, FADING_DB))
    commands["fading"] = sweep(options.out / "fading", options.data, faded, over, "--draws", str(DRAWS), *swaps)
    items["fading"] = rows_of(options.out / "fading")
    found = {name: reduced(rows) for name, rows in items.items()}
    with (DOCS / "links-kodak.csv").open("w", newline="", encoding="utf-8") as file:
        first = next(iter(found["1/12"].values()))
        writer = csv.DictWriter(file, ["channel", "target_cbr", *first], lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for name, rows in found.items():
            where = ("rayleigh block", "1/12") if name == "fading" else ("awgn", name)
            for row in rows.values():
                short = {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
                writer.writerow({"channel": where[0], "target_cbr": where[1], **short})
    draw_quality(DOCS / "_static" / "links-kodak.svg", {cbr: found[cbr] for cbr in CBRS})
    text = page(commands, found, items)
    (DOCS / "links-kodak.md").write_text(text, encoding="utf-8")
    print(text)


FADED = ("deepjscc", "hevc-capacity", "hevc-ldpc adapted", "hevc-ldpc qpsk-1 by 2")

if __name__ == "__main__":
    main()
