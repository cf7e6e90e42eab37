"""Bars, stacked where they have parts, in the style of the other plots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ....errors import MissingExtra
from ..plot import COLOURS, STYLE, SUFFIXES, save_figure

__all__ = ["draw_bars"]


def draw_bars(
    stem: Path, bars: Mapping[str, Mapping[str, float]], label: str, *, form: str = ".3g", title: str = ""
) -> list[Path]:
    """Draw a horizontal bar for each name, made of parts that have a colour each.

    Args:
        stem: Of the files: SVG and PNG.
        bars: Name → part → length, at least 0; a bar of one part called ``""`` has no legend.
        label: Of the axis, with unit.
        form: Of the sum that stands at each bar's end.
        title: Above.

    Returns:
        The files written.

    Raises:
        MissingExtra: matplotlib is not installed.
        RunError: a file cannot be written.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("semcom measure", error.name or "matplotlib", "plot") from None
    parts = list(dict.fromkeys(part for lengths in bars.values() for part in lengths))
    names = list(bars)
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure = Figure(figsize=(5.2, 0.9 + 0.45 * len(names)), layout="constrained")
        plane = figure.add_subplot()
        ends = [0.0] * len(names)
        for number, part in enumerate(parts):
            lengths = [bars[name].get(part, 0.0) for name in names]
            plane.barh(names, lengths, left=ends, color=COLOURS[number % len(COLOURS)], label=part, height=0.6)
            ends = [end + length for end, length in zip(ends, lengths, strict=True)]
        for name, end in zip(names, ends, strict=True):
            plane.annotate(f" {end:{form}}", (end, name), va="center", fontsize=8)
        plane.margins(x=0.12)
        plane.set_xlabel(label)
        plane.invert_yaxis()
        if title:
            plane.set_title(title)
        if parts != [""]:
            plane.legend(fontsize=7)
        files = [stem.with_name(stem.name + suffix) for suffix in SUFFIXES[:2]]
        for file in files:
            save_figure(figure, file)
    return files
