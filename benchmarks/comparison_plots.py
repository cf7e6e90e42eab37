"""The plot of `comparison`: curves against CBR and against Es/N0, those of others dashed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from comparison_page import SHORT, Asked, figures_of
from curves import Figure
from measured_pictures import Point
from published_kodak import PUBLISHED

__all__ = ["draw"]

MARKERS = "sD^vP<>"
TICKS = ("1/96", "1/48", "1/24", "1/12", "1/6")


def draw(path: Path, asked: Asked) -> None:
    """PSNR, below it a perceptual figure: against CBR at 10 dB, against Es/N0 at CBR 1/24, the same over fading."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "semcom"
    psnr, seen = figures_of(asked)
    figure, axes = plt.subplots(2, 3, figsize=(15, 9), layout="constrained")
    for row, one in zip(axes, (psnr, seen), strict=True):
        by_cbr = [Point("awgn", cbr, 10) for cbr in asked.cbrs]
        _curves(row[0], asked, one, by_cbr, [float(Fraction(cbr)) for cbr in asked.cbrs])
        row[0].set(xscale="log", xlabel="CBR", title="AWGN, 10 dB")
        row[0].set_xticks([float(Fraction(tick)) for tick in TICKS], TICKS)
        row[0].minorticks_off()
        by_level = [Point("awgn", "1/24", level) for level in asked.levels_db]
        _curves(row[1], asked, one, by_level, asked.levels_db)
        row[1].set(title="AWGN, CBR 1/24")
    fading = [Point("rayleigh", "1/24", level) for level in asked.levels_db]
    _curves(axes[0][2], asked, psnr, fading, asked.levels_db)
    axes[0][2].set(title=f"{SHORT['rayleigh']}, CBR 1/24")
    _published(axes[0][0], axes[0][1])
    for axis in (axes[0][1], axes[0][2], axes[1][1]):
        axis.set_xlabel("mean Es/N0 in dB")
    for row, one in zip(axes, (psnr, seen), strict=True):
        for axis in row:
            axis.set_ylabel(one.title)
            axis.grid(alpha=0.3)
    axes[1][2].set_axis_off()
    found: dict[str, Any] = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    axes[1][2].legend(found.values(), found.keys(), loc="center", frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _curves(axis: Any, asked: Asked, figure: Figure, points: Sequence[Point], places: Sequence[float]) -> None:
    """A line a system, in a colour of its own everywhere."""
    for number, name in enumerate(asked.systems):
        cells = [[row[figure.key] for row in asked.at(name, point)] for point in points]
        values = [math.nan if not cell or None in cell else float(np.mean(cell)) for cell in cells]
        there = [(place, value) for place, value in zip(places, values, strict=True) if not math.isnan(value)]
        if there:
            marker = "o" if len(there) > 1 else "*"
            axis.plot(*zip(*there, strict=True), marker=marker, markersize=4, color=_colour(number), label=name)


def _colour(number: int) -> Any:
    """The dark colours of a palette of twenty, then its pale ones."""
    import matplotlib

    return matplotlib.colormaps["tab20"](2 * number % 20 + number // 10)


def _published(by_cbr: Any, by_level: Any) -> None:
    """Others' PSNR over AWGN: against CBR at 10 dB, and against SNR at CBR 1/24."""
    for number, one in enumerate(one for one in PUBLISHED if one.channel == "awgn"):
        style = {"linestyle": "--", "linewidth": 1, "markersize": 5, "color": f"{0.1 * (number % 6):.1f}"}
        style |= {"marker": MARKERS[number % len(MARKERS)], "markerfacecolor": "none"}
        at_10 = sorted((float(Fraction(cbr)), psnr) for (cbr, level), psnr in one.psnr_db.items() if level == 10)
        by_cbr.plot(*zip(*at_10, strict=True), label=f"{one.system}, published", **style)
        over = sorted((level, psnr) for (cbr, level), psnr in one.psnr_db.items() if cbr == "1/24")
        if len(over) > 1:
            by_level.plot(*zip(*over, strict=True), **style)
