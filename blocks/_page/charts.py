"""PSNR per picture, drawn as inline SVG: one bar a picture while they are few, a curve when they are many."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np

__all__ = ["MOST_BARS", "decibels", "psnr_bars", "psnr_curve"]

MOST_BARS = 40
_COLUMNS = 300  # most points of the curve


def psnr_bars(labels: Sequence[str], psnrs_db: Sequence[float], mean_db: float) -> str:
    """A table with one bar a picture, from 0 dB, and a mark at the mean.

    Args:
        labels: Of the pictures; any text.
        psnrs_db: Their PSNR in dB; infinite fills the bar.
        mean_db: The mean.
    """
    finite = [value for value in psnrs_db if math.isfinite(value)]
    full = max(10 * math.ceil(max(finite, default=0) / 10), 40)
    marks = "".join(f'<path class="grid" d="M{100 * t / full:.2f} 0V10"/>' for t in range(10, full, 10))
    if math.isfinite(mean_db):
        marks += f'<path class="mean" d="M{100 * mean_db / full:.2f} 0V10"/>'
    rows = "".join(
        f'<tr><th scope="row">{html.escape(label)}</th><td class="bar">'
        f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="10"/>'
        f'<rect class="value" width="{100 * min(max(value, 0) / full, 1):.2f}" height="10"/>{marks}</svg></td>'
        f'<td class="number">{decibels(value)}</td></tr>'
        for label, value in zip(labels, psnrs_db, strict=True)
    )
    return (
        f'<table class="bars"><thead><tr><th scope="col">Picture</th>'
        f'<th scope="col">0 to {full} dB</th><th scope="col" class="number">dB</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def psnr_curve(psnrs_db: Sequence[float]) -> str:
    """A curve over the item's place in the run; where items share a column, their mean within least to most.

    Args:
        psnrs_db: PSNR of every item in dB, in order.
    """
    values = np.asarray(psnrs_db, np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "<p>Every picture came back without an error: PSNR is infinite.</p>"
    low, high = 5 * math.floor(finite.min() / 5), 5 * math.ceil(finite.max() / 5)
    high = max(high, low + 5)
    wide = math.ceil(values.size / _COLUMNS)  # items a column
    columns = [np.clip(values[start : start + wide], low, high) for start in range(0, values.size, wide)]
    x = np.linspace(0, 600, len(columns))

    def points(values: Sequence[float]) -> list[str]:
        return [f"{a:.1f},{160 * (high - b) / (high - low):.1f}" for a, b in zip(x, values, strict=True)]

    band = points([float(c.max()) for c in columns]) + points([float(c.min()) for c in columns])[::-1]
    line = points([float(c.mean()) for c in columns])
    ticks = range(low, high + 1, 5 if high - low <= 25 else 10)
    grid = "".join(f'<path class="grid" d="M0 {160 * (high - t) / (high - low):.1f}H600"/>' for t in ticks)
    names = "".join(f'<span style="top:{100 * (high - t) / (high - low):.1f}%">{t}</span>' for t in ticks)
    what = f"PSNR over {values.size} items, from {finite.min():.2f} to {finite.max():.2f} dB"
    return (
        f'<div class="curve"><div class="scale" aria-hidden="true">{names}</div>'
        f'<svg viewBox="0 0 600 160" preserveAspectRatio="none" role="img" aria-label="{what}">{grid}'
        f'<polygon class="band" points="{" ".join(band)}"/><polyline class="line" points="{" ".join(line)}"/></svg>'
        f'<div class="ends" aria-hidden="true"><span>first item</span><span>dB</span><span>last item</span></div></div>'
    )


def decibels(value: float) -> str:
    """Two digits behind the point, or an infinity sign."""
    return f"{value:.2f}" if math.isfinite(value) else "\u221e"
