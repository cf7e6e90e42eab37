"""Draws the points of a sweep: a line a system, intervals as bands, units on the axes."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import InputError, MissingExtra, RunError, UsageError, suggestion

__all__ = ["COLOURS", "STYLE", "SUFFIXES", "plot_sweep", "save_figure"]

LABELS = {
    "esn0_db": "$E_s/N_0$ in dB",
    "snr_db": "SNR in dB",
    "ebn0_db": "$E_b/N_0$ in dB",
    "measured_esn0_db": "measured $E_s/N_0$ in dB",
    "psnr_db": "PSNR in dB",
    "psnr_db_median": "median PSNR in dB",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "cbr": "CBR, channel uses per source value",
    "measured_cbr": "CBR, channel uses per source value",
    "rate": "rate, channel uses per source value",
    "failure_rate": "picture failure rate",
    "block_error_rate": "block error rate",
    "papr_db": "PAPR in dB",
    "latency_s": "computing time of a picture in s",
    "channel_uses": "complex channel uses",
    "downscale": "downscaling of the sides",
    "high_frequency_error_db": "fine detail against the sent picture in dB",
    "ms_ssim_distance": "1 - MS-SSIM",
    "ssim_distance": "1 - SSIM",
    "mse_distance": "mean squared error",
    "squeezenet_distance": "SqueezeNet distance",
    "lpips_vgg": "LPIPS (VGG)",
    "pair_psnr_db": "PSNR between receptions in dB",
    "pair_rmse": "RMSE between receptions, steps of 255",
}
LOGARITHMIC = ("failure_rate", "block_error_rate")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe & Ito: for all eyes
MARKERS = "os^Dv*P"
LINES = ("-", "--", "-.", ":")
MOST_TICKS = 11
SUFFIXES = (".svg", ".png", ".pdf")
STYLE = {
    "font.size": 9,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "legend.frameon": False,
    "svg.hashsalt": "semcom",
    "svg.fonttype": "none",
}


class _Line(NamedTuple):
    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]


def plot_sweep(
    folder: Path,
    *,
    x: str | None = None,
    y: str = "psnr_db",
    by: str = "system",
    file: Path | None = None,
    title: str = "",
) -> list[Path]:
    """Draw one column of a sweep's ``points.csv`` over one axis of its grid.

    Error rates are drawn on a logarithmic axis, where a rate of zero has no place: of such a point the upper end of its
    interval is shown, by an arrow downwards. What is neither ``x`` nor ``by`` makes further lines.

    Args:
        folder: What `semcom sweep --out` wrote.
        x: An axis of the grid, ``esn0_db`` or ``channel.esn0_db``; the first if not said.
        y: A column; with ``_low`` and ``_high`` beside it a band is drawn.
        by: What has a colour each: ``system``, or an axis of the grid.
        file: The picture, as SVG, PNG or PDF by its ending; ``<y>.svg`` and ``<y>.png`` in the folder if not said.
        title: Above it.

    Returns:
        The files written.

    Raises:
        InputError: the folder holds no sweep, or none that has points.
        UsageError: there is no such column, or nothing was measured for it.
        MissingExtra: matplotlib is not installed.
        RunError: a file cannot be written.
    """
    columns, rows = _read(folder)
    axes = columns[2 : columns.index("items")]
    x = _axis(x, axes, folder) if x is not None or axes else "system"
    by = by if by == "system" else _axis(by, axes, folder)
    measured = columns[columns.index("items") :]
    if y not in measured:
        raise UsageError(f"--y {y}: {folder / 'points.csv'} has no such measurement{suggestion(y, measured)}")
    shown = [row for row in rows if row[y] and math.isfinite(float(row[y]))]
    if not shown:
        have = [name for name in measured if any(row[name] for row in rows)]
        raise UsageError(f"--y {y}: no point of {folder} has a finite one; these do: {', '.join(have)}")
    if file is not None and file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out {file}: expected a name that ends with {', '.join(SUFFIXES)}")
    files = [file] if file is not None else [folder / f"{y}{suffix}" for suffix in SUFFIXES[:2]]
    return _draw(shown, axes, x, y, by, files, title)


def _read(folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    path = folder / "points.csv"
    if not path.is_file():
        raise InputError(f"{folder}: expected the folder of a sweep, with points.csv; `semcom sweep --out {folder}`")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        columns, rows = list(reader.fieldnames or ()), list(reader)
    if columns[:2] != ["system", "graph_hash"] or "items" not in columns:
        raise InputError(f"{path}: expected the points of a sweep, got other columns")
    if not rows:
        raise InputError(f"{path}: has no points yet; let the sweep go on")
    return columns, rows


def _axis(name: str | None, axes: Sequence[str], folder: Path) -> str:
    """The axis of this name, or the one that ends with it: ``esn0_db`` is ``channel.esn0_db``."""
    if name is None:
        return axes[0]
    near = [axis for axis in axes if axis == name] or [axis for axis in axes if axis.endswith(f".{name}")]
    if len(near) != 1:
        raise UsageError(f"{name}: not an axis of the sweep in {folder}{suggestion(name, axes)}")
    return near[0]


def _draw(
    rows: list[dict[str, str]], axes: Sequence[str], x: str, y: str, by: str, files: list[Path], title: str
) -> list[Path]:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("semcom plot", error.name or "matplotlib", "plot") from None
    logarithmic = y in LOGARITHMIC
    places, ticks = _places([row[x] for row in rows])
    rest = [name for name in ("system", *axes) if name not in (x, by) and len({row[name] for row in rows}) > 1]
    groups = {group: index for index, group in enumerate(dict.fromkeys(row[by] for row in rows))}
    others = {other: index for index, other in enumerate(dict.fromkeys(tuple(row[n] for n in rest) for row in rows))}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        plane = figure.add_subplot()
        for group, colour in groups.items():
            for other, style in others.items():
                found = [row for row in rows if row[by] == group and tuple(row[name] for name in rest) == other]
                line = _line(found, [places[row[x]] for row in found], y)
                _draw_line(
                    plane,
                    line,
                    label=", ".join([_said(by, group), *(_said(n, v) for n, v in zip(rest, other, strict=True))]),
                    colour=COLOURS[colour % len(COLOURS)],
                    marker=MARKERS[(colour + style) % len(MARKERS)],
                    dashes=LINES[style % len(LINES)],
                    logarithmic=logarithmic,
                )
        _label_plane(plane, x, y, ticks, title)
        if len(groups) * len(others) > 1:
            plane.legend()
        _caption(figure, rows, y, logarithmic=logarithmic)
        for file in files:
            save_figure(figure, file)
    return files


def _label_plane(plane: Any, x: str, y: str, ticks: dict[float, str], title: str) -> None:
    plane.set_xlabel(_label(x))
    plane.set_ylabel(_label(y))
    if y in LOGARITHMIC:
        plane.set_yscale("log")
        plane.set_ylim(top=1.3)
    if ticks:
        plane.set_xticks(list(ticks), list(ticks.values()))
    if title:
        plane.set_title(title)


def _draw_line(
    plane: Any, line: _Line, *, label: str, colour: str, marker: str, dashes: str, logarithmic: bool
) -> None:
    if not line.x:
        return
    zeros = [index for index, value in enumerate(line.y) if logarithmic and value <= 0]
    drawn = [math.nan if index in zeros else value for index, value in enumerate(line.y)]
    plane.plot(line.x, drawn, dashes, color=colour, marker=marker, label=label)
    with_band = [i for i in range(len(line.x)) if not math.isnan(line.low[i]) and i not in zeros]
    if with_band:
        low, high = ([ends[i] for i in with_band] for ends in (line.low, line.high))
        plane.fill_between([line.x[i] for i in with_band], low, high, color=colour, alpha=0.15, linewidth=0)
    bounded = [i for i in zeros if line.high[i] > 0]
    if bounded:
        ends = [line.high[i] for i in bounded]
        plane.plot(
            [line.x[i] for i in bounded], ends, linestyle="none", marker=r"$\downarrow$", color=colour, markersize=8
        )


def _line(rows: list[dict[str, str]], x: list[float], y: str) -> _Line:
    values = sorted(
        (place, float(row[y]), _float(row.get(f"{y}_low")), _float(row.get(f"{y}_high")))
        for place, row in zip(x, rows, strict=True)
    )
    return _Line(*(list(column) for column in zip(*values, strict=True))) if values else _Line([], [], [], [])


def _places(texts: list[str]) -> tuple[dict[str, float], dict[float, str]]:
    """Where the values of an axis stand, and their ticks; those of many numbers are left to matplotlib."""
    try:
        places = {text: float(text) for text in texts}
        few = len(places) <= MOST_TICKS
        return places, {place: f"{place:g}" for place in places.values()} if few else {}
    except ValueError:
        pass
    try:
        fractions = {text: float(Fraction(text)) for text in texts}
        return fractions, {value: text for text, value in fractions.items()}
    except (ValueError, ZeroDivisionError):
        places = {text: float(index) for index, text in enumerate(dict.fromkeys(texts))}
        return places, {place: text for text, place in places.items()}


def _caption(figure: Any, rows: list[dict[str, str]], y: str, *, logarithmic: bool) -> None:
    """Say what the bands are, so that the picture needs no text beside it."""
    if f"{y}_low" not in rows[0] or not any(row[f"{y}_low"] for row in rows):
        return
    pictures, draws = ({int(row[name]) for row in rows} for name in ("pictures", "draws"))
    what = f"{_span(pictures)} pictures, {_span(draws)} draw{'s' if draws != {1} else ''} each"
    if rows[0].get("pairs"):
        what = f"{_span(pictures)} pictures, {float(rows[0]['pairs']):g} pairs of receptions each"
    arrow = "; arrows: no error seen, upper end" if logarithmic and any(float(row[y]) == 0 for row in rows) else ""
    figure.supxlabel(f"bands: 95 % intervals; {what}{arrow}", fontsize=7, color="#555555")


def _span(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _said(name: str, value: str) -> str:
    return value if name == "system" else f"{name.rpartition('.')[2]} {value}"


def _label(name: str) -> str:
    if name.startswith("pair_") and name not in LABELS:
        spread = "deviation of " if name.endswith("_deviation") else ""
        return f"{spread}{_label(name[5:].removesuffix('_deviation'))} between receptions"
    return LABELS.get(name) or LABELS.get(name.rpartition(".")[2]) or name.rpartition(".")[2].replace("_", " ")


def _float(text: str | None) -> float:
    return float(text) if text else math.nan


def save_figure(figure: Any, file: Path) -> None:
    """Write a figure; the same figure gives the same bytes.

    Raises:
        RunError: it cannot be written.
    """
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(file.suffix.lower())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, dpi=200, metadata=metadata)
    except OSError as error:
        raise RunError(f"{file}: cannot be written: {error.strerror or error}") from None
