"""Tables and plots over Es/N0 of what `measured_pictures` has measured."""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from semcom.flowgraphs.experiments.statistics import paired_difference

__all__ = [
    "FIGURES",
    "Figure",
    "differences",
    "draw_curves",
    "means",
    "pictures_of",
    "take_kodak",
    "take_pictures",
    "write_rows",
]

Rows = Sequence[Mapping[str, Any]]


class Figure(NamedTuple):
    """A figure of merit as tables show it."""

    key: str
    title: str
    form: str


FIGURES = (
    Figure("psnr_db", "PSNR in dB", ".2f"),
    Figure("ms_ssim", "MS-SSIM", ".4f"),
    Figure("sliced_wasserstein", "SWD, less is better", ".4f"),
    Figure("squeezenet_distance", "SqueezeNet distance, less is better", ".4f"),
    Figure("high_frequency_error_db", "detail in dB, 0 is as sharp as the original", "+.1f"),
)


def _of(rows: Rows, system: str, channel: str, level: int) -> Rows:
    where = (system, channel, str(level))
    return [row for row in rows if (row["system"], row["channel"], row["esn0_db"]) == where]


def _mean(rows: Rows, key: str) -> float:
    values = [row[key] for row in rows]
    return math.nan if not values or None in values else float(np.mean(values))


def means(rows: Rows, figure: Figure, channel: str, levels: Sequence[int]) -> list[str]:
    """A table of one figure: a row a system, a column an Es/N0."""
    lines = [f"| {figure.title} | CBR | " + " | ".join(f"{level} dB" for level in levels) + " |"]
    lines.append("|---|---:|" + "---:|" * len(levels))
    for name in dict.fromkeys(row["system"] for row in rows if row["channel"] == channel):
        found = [_mean(_of(rows, name, channel, level), figure.key) for level in levels]
        cells = ["-" if math.isnan(one) else format(one, figure.form) for one in found]
        cbr = _mean([row for row in rows if (row["system"], row["channel"]) == (name, channel)], "cbr")
        lines.append(f"| {name} | {cbr:.5f} | " + " | ".join(cells) + " |")
    return lines


def differences(
    rows: Rows, pairs: Sequence[tuple[str, str]], figure: Figure, channel: str, levels: Sequence[int]
) -> list[str]:
    """A table of differences, paired by picture: mean and bootstrapped 95 % interval."""
    unit = figure.title.partition(",")[0]
    lines = [f"| A less B: {unit} | " + " | ".join(f"{level} dB" for level in levels) + " |"]
    lines.append("|---|" + "---|" * len(levels))
    for one, other in pairs:
        cells = []
        for level in levels:
            at = {"channel": channel, "esn0_db": str(level)}
            if any(not _of(rows, name, channel, level) for name in (one, other)):
                cells.append("-")
                continue
            found = paired_difference(list(rows), one, other, figure.key, at=at)
            form = "+" + figure.form.lstrip("+")
            cells.append(f"{found.mean:{form}} ({found.low:{form}} to {found.high:{form}})")
        lines.append(f"| {one} less {other} | " + " | ".join(cells) + " |")
    return lines


def draw_curves(path: Path, rows: Rows, figures: Sequence[Figure], levels: Sequence[int]) -> None:
    """Means against Es/N0: a row of panels a channel, a column a figure."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "semcom"
    channels = list(dict.fromkeys(row["channel"] for row in rows))
    names = list(dict.fromkeys(row["system"] for row in rows))
    size = (4.2 * len(figures), 3.6 * len(channels) + 0.7)
    figure, axes = plt.subplots(len(channels), len(figures), figsize=size, squeeze=False)
    for line, channel in zip(axes, channels, strict=True):
        for axis, one in zip(line, figures, strict=True):
            for number, name in enumerate(names):
                values = [_mean(_of(rows, name, channel, level), one.key) for level in levels]
                if not all(map(math.isnan, values)):
                    axis.plot(levels, values, marker="o", markersize=3, color=f"C{number}", label=name)
            axis.set(xlabel="Es/N0 in dB", ylabel=one.title.partition(" is")[0], title=channel)
            axis.grid(alpha=0.3)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=4, frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, 0.6 / size[1], 1, 1))
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def write_rows(path: Path, rows: Rows, more: Sequence[str] = ()) -> None:
    """A row a picture and point, with more columns where they are named."""
    names = ["system", "channel", *more, "esn0_db", "label", "cbr", *(one.key for one in FIGURES)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def take_pictures(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the options of a program that makes a page about the Kodak pictures.

    Args:
        parser: Of its command line.
        name: Of the folder where rows are kept.
    """
    docs = Path(__file__).resolve().parents[1] / "docs"
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--images", type=int, help="only so many pictures, evenly spread")
    parser.add_argument("--out", type=Path, default=Path("out") / name, help="folder of rows and pictures")
    parser.add_argument("--docs", type=Path, default=docs, help="folder of the page (default: docs)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, one thread each")


def take_kodak(parser: argparse.ArgumentParser, weights: Path) -> None:
    """Add the options of a program that sends the Kodak pictures through the miniature.

    Args:
        parser: Of its command line.
        weights: Of the miniature that is shipped.
    """
    take_pictures(parser, "training-free")
    parser.add_argument("--weights", type=Path, default=weights, help="of the miniature")
    parser.add_argument("--squeezenet", type=Path, help="npz file of SqueezeNet v1.0")


def pictures_of(folder: Path) -> list[Path]:
    """The PNG pictures of a folder, in order."""
    paths = sorted(folder.glob("*.png"))
    if not paths:
        sys.exit(f"{folder}: expected PNG pictures, found none")
    return paths
