"""Curves over an axis with a unit, drawn as inline SVG."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axis", "Curve", "plot"]

_WIDTH, _HEIGHT = 460, 250  # of the drawing
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 448, 24, 208  # of the frame in it
_FEW = 32  # points that are drawn as dots, too
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "\N{MICRO SIGN}"), (1e-9, "n"))


class Axis(NamedTuple):
    """What an axis shows.

    Attributes:
        label: "Frequency".
        unit: "Hz"; empty for a number. In one that takes prefixes, kHz or ms is shown where it reads better.
        least: Of the range that is shown at the least.
    """

    label: str
    unit: str = ""
    least: float = 0.0

    @property
    def scalable(self) -> bool:
        """Whether the unit takes prefixes."""
        return self.unit in ("Hz", "s")


class Curve(NamedTuple):
    """Points joined by a line; NaN interrupts it."""

    x: NDArray[Any]
    y: NDArray[Any]
    kind: Literal["line", "faint"] = "line"


class _Scale(NamedTuple):
    low: float
    high: float
    factor: float  # of the prefix
    unit: str
    ticks: tuple[float, ...]


def plot(curves: Sequence[Curve], x: Axis, y: Axis, *, title: str, mark: tuple[float, str] | None = None) -> str:
    """Draw curves.

    Args:
        curves: Those drawn first lie below.
        x: Axis to the right.
        y: Axis upwards.
        title: What a screen reader says.
        mark: A dashed line across at a value of y, and what it is.
    """
    curves = [Curve(np.asarray(c.x, np.float64), np.asarray(c.y, np.float64), c.kind) for c in curves]
    across = _scale(np.concatenate([c.x for c in curves]), x, tight=True)
    levels = [c.y for c in curves] + ([np.array([mark[0]])] if mark else [])
    upwards = _scale(np.concatenate(levels), y)
    drawn = "".join(_curve(c, across, upwards) for c in curves)
    if mark:
        level = _up(mark[0], upwards)
        drawn += (
            f'<path class="mark" d="M{_LEFT} {level:.1f}H{_RIGHT}"/>'
            f'<text class="said" x="{_RIGHT - 4}" y="{level - 5:.1f}" text-anchor="end">{html.escape(mark[1])}</text>'
        )
    return (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">'
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_RIGHT - _LEFT}" height="{_BOTTOM - _TOP}" rx="3"/>'
        f"{_grid(across, upwards)}{drawn}"
        f'<text x="{_LEFT}" y="14">{html.escape(_named(y.label, upwards.unit))}</text>'
        f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"{html.escape(_named(x.label, across.unit))}</text></svg>"
    )


def _named(label: str, unit: str) -> str:
    return f"{label}, {unit}" if unit else label


def _grid(across: _Scale, upwards: _Scale) -> str:
    lines = "".join(f'<path class="grid" d="M{_right(t, across):.1f} {_TOP}V{_BOTTOM}"/>' for t in across.ticks)
    lines += "".join(f'<path class="grid" d="M{_LEFT} {_up(t, upwards):.1f}H{_RIGHT}"/>' for t in upwards.ticks)
    names = "".join(
        f'<text x="{_right(t, across):.1f}" y="{_BOTTOM + 16}" text-anchor="middle">{_number(t, across)}</text>'
        for t in across.ticks
    )
    names += "".join(
        f'<text x="{_LEFT - 6}" y="{_up(t, upwards) + 4:.1f}" text-anchor="end">{_number(t, upwards)}</text>'
        for t in upwards.ticks
    )
    return lines + names


def _curve(curve: Curve, across: _Scale, upwards: _Scale) -> str:
    known = np.isfinite(curve.x) & np.isfinite(curve.y)
    points = [(_right(a, across), _up(b, upwards)) for a, b in zip(curve.x[known], curve.y[known], strict=True)]
    cuts = np.flatnonzero(np.diff(np.flatnonzero(known)) > 1) + 1
    runs = [points[start:end] for start, end in zip([0, *cuts], [*cuts, len(points)], strict=True)]
    lines = "".join(
        f'<polyline class="{curve.kind}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in run)}"/>'
        for run in runs
        if len(run) > 1
    )
    if curve.kind == "faint" or len(points) > _FEW:
        return lines
    return lines + "".join(f'<circle class="dot" cx="{a:.1f}" cy="{b:.1f}" r="2.6"/>' for a, b in points)


def _scale(values: NDArray[np.float64], axis: Axis, *, tight: bool = False) -> _Scale:
    """Choose the range of an axis, its unit and its ticks."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    least = max(axis.least, 1e-9 * max(abs(low), abs(high)), 1e-30)
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    if not tight:
        room = 0.06 * (high - low)
        low, high = low - room, high + room
    factor, prefix = 1.0, ""
    if axis.scalable:
        largest = max(abs(low), abs(high))
        factor, prefix = next(((f, p) for f, p in _PREFIXES if largest >= f), _PREFIXES[-1])
    step = _step((high - low) / factor)
    first = math.ceil(low / factor / step - 1e-9)
    last = math.floor(high / factor / step + 1e-9)
    ticks = tuple(k * step * factor for k in range(first, last + 1))
    return _Scale(low, high, factor, prefix + axis.unit if axis.scalable else axis.unit, ticks)


def _step(span: float) -> float:
    """Return the step between ticks, 1, 2 or 5 times a power of ten: four to nine of them."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(power * m for m in (10, 5, 2, 1) if span / (power * m) >= 4 or m == 1)


def _number(tick: float, scale: _Scale) -> str:
    value = tick / scale.factor
    step = (scale.ticks[1] - scale.ticks[0]) / scale.factor if len(scale.ticks) > 1 else 1.0
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{abs(value):.{digits}f}"
    return f"\N{MINUS SIGN}{text}" if value < 0 and float(text) else text


def _right(value: float, scale: _Scale) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (value - scale.low) / (scale.high - scale.low)


def _up(value: float, scale: _Scale) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * (value - scale.low) / (scale.high - scale.low)
