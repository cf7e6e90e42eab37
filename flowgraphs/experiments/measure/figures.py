"""A measurement that is a sweep with figures: its tables, its plots, and lines for the terminal."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ....errors import MissingExtra, UsageError
from ..over import Over, parse_over
from ..plan import SweepOptions
from ..plot import plot_sweep
from ..sweep import Note, OnProgress, SweepResult, run_sweep
from ..systems import Compared
from ..witness import Witness

__all__ = ["Measurement", "cell", "esn0_axis", "measure", "need_matplotlib", "number_axis"]


@dataclass(frozen=True)
class Measurement:
    """What a measurement left.

    Attributes:
        result: Of its sweep.
        points: Rows of ``points.csv``, those of this measurement alone.
        files: Written beside the sweep's own: plots, and tables.
        witness: What was measured beside quality and bandwidth.
    """

    result: SweepResult
    points: list[dict[str, str]]
    files: list[Path]
    witness: Witness


def measure(
    systems: Sequence[Compared],
    axes: Sequence[Over],
    options: SweepOptions,
    figures: Sequence[str],
    *,
    by: str = "system",
    title: str = "",
    note: Note = lambda text: None,
    progress: OnProgress = lambda done, wanted: None,
) -> Measurement:
    """Sweep, and draw some columns of the points over the last axis; columns without a finite figure are left out.

    Args:
        systems: What is measured.
        axes: The grid.
        options: How.
        figures: Columns of ``points.csv``, a plot each.
        by: What has a colour each.
        title: Above the plots.
        note: Told what the user should know.
        progress: Told how far it is.

    Raises:
        MissingExtra: matplotlib is not installed; said before anything runs.
        SemcomError: see `run_sweep`.
    """
    need_matplotlib("semcom measure")
    result = run_sweep(systems, axes, options, note=note, progress=progress)
    record = json.loads((options.out / "sweep.json").read_text(encoding="utf-8"))
    here = {(point["system"], point["graph_hash"]) for point in record["measured"]}
    points = [row for row in _read(options.out / "points.csv") if (row["system"], row["graph_hash"]) in here]
    files: list[Path] = []
    for name in figures:
        if any(row[name] and math.isfinite(float(row[name])) for row in points):
            files += plot_sweep(options.out, x=axes[-1].name, y=name, by=by, title=title)
    return Measurement(result, points, files, options.witness)


def esn0_axis(text: str) -> Over:
    """Read the values of ``--esn0-db``: ``20,15,10``, or ``0:20:5``.

    Raises:
        UsageError: they are no numbers.
    """
    return number_axis("esn0_db", text, "--esn0-db")


def number_axis(name: str, text: str, option: str) -> Over:
    """Read an axis of numbers and fractions.

    Raises:
        UsageError: they are none.
    """
    try:
        over = parse_over(f"{name}={text}")
    except UsageError:
        over = Over(name, ("",))
    if not all(map(_is_number, over.values)):
        raise UsageError(f"{option} {text}: expected numbers with commas between them, or START:STOP:STEP: 20,15,10")
    return over


def cell(text: str, form: str) -> str:
    """A number of a table for the terminal; a dash where there is none."""
    return format(float(text), form) if text else "-"


def need_matplotlib(who: str) -> None:
    """See that plots can be drawn, before hours of work.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra(who, "matplotlib", "plot") from None


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(Fraction(value))
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return False


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
