"""The constellation before and after the channel, as a density: its size does not grow with the number of symbols."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .thumbnails import png_uri

__all__ = ["Constellation"]

_CELLS = 160  # a side
_COLOUR = (13, 148, 136)  # seen on white and on near-black
_SHOWN = 0.999  # of the first frame's symbols


class Constellation:
    """Counts symbols on a grid, before the channel and after it, both at one scale.

    State: two grids; their scale is set by the first frame.
    """

    def __init__(self) -> None:
        self._grids: dict[str, NDArray[np.int64]] = {}
        self._counts: dict[str, int] = {}
        self._reach = 0.0  # the grid spans -reach to reach in both dimensions

    def add(self, **ports: NDArray[np.complex64] | None) -> None:
        """Count one frame.

        Args:
            **ports: The symbols of each place by its name, complex64 ``[n]``; ``None`` or empty: not connected.
        """
        frames = {name: symbols for name, symbols in ports.items() if symbols is not None and symbols.size}
        if not frames:
            return
        if not self._reach:
            self._reach = max(_reach(symbols) for symbols in frames.values())
        for name, symbols in frames.items():
            grid = self._grids.setdefault(name, np.zeros((_CELLS, _CELLS), np.int64))
            column, row = (_cells(part, self._reach) for part in (symbols.real, -symbols.imag))
            inside = (column >= 0) & (column < _CELLS) & (row >= 0) & (row < _CELLS)
            flat = row[inside] * _CELLS + column[inside]
            grid += np.bincount(flat, minlength=_CELLS**2).reshape(_CELLS, _CELLS)
            self._counts[name] = self._counts.get(name, 0) + symbols.size

    @property
    def counts(self) -> dict[str, int]:
        """Symbols counted, by place."""
        return dict(self._counts)

    def outside(self, name: str) -> int:
        """Symbols of a place that lie beyond the drawing."""
        return self._counts[name] - int(self._grids[name].sum())

    def svg(self, name: str, title: str) -> str:
        """Draw one place as an `<svg>` element.

        Args:
            name: The place.
            title: What a screen reader says; must need no escaping.
        """
        scale = 150 / self._reach
        step = 1 if self._reach <= 4 else 2 if self._reach <= 8 else math.ceil(self._reach / 4)
        ticks = range(-int(self._reach // step) * step, int(self._reach // step) * step + 1, step)
        lines = "".join(
            f'<path class="{"axis" if t == 0 else "grid"}" '
            f'd="M{160 + t * scale:.1f} 10V310M10 {160 + t * scale:.1f}H310"/>'
            for t in ticks
        )
        labels = "".join(
            f'<text x="{160 + t * scale:.1f}" y="325" text-anchor="middle">{_signed(t)}</text>'
            f'<text x="4" y="{160 - t * scale + 4:.1f}" text-anchor="end">{_signed(t)}</text>'
            for t in ticks
        )
        return (
            f'<svg class="constellation" viewBox="-24 4 342 344" role="img" aria-label="{title}">'
            f'<rect class="frame" x="10" y="10" width="300" height="300" rx="4"/>{lines}'
            f'<image x="10" y="10" width="300" height="300" href="{png_uri(self._picture(name))}"/>'
            f'<circle class="unit" cx="160" cy="160" r="{scale:.1f}"/>'
            f'{labels}<text x="160" y="344" text-anchor="middle">in phase</text></svg>'
        )

    def _picture(self, name: str) -> NDArray[np.uint8]:
        grid = self._grids[name]
        rgba = np.zeros((_CELLS, _CELLS, 4), np.uint8)
        rgba[..., :3] = _COLOUR
        hit = grid > 0
        if hit.any():
            full = np.quantile(grid[hit], 0.99)  # one crowded cell must not fade the others
            density = np.sqrt(np.minimum(grid[hit] / full, 1))  # square root: the rare ones stay visible
            rgba[hit, 3] = np.round(255 * (0.25 + 0.75 * density)).astype(np.uint8)
        rgba[~hit] = 0
        return rgba


def _reach(symbols: NDArray[np.complex64]) -> float:
    far = np.maximum(np.abs(symbols.real), np.abs(symbols.imag))
    far = far[np.isfinite(far)]
    reach = float(np.quantile(far, _SHOWN)) * 1.1 if far.size else 0.0
    return min(max(math.ceil(reach * 2) / 2, 1.5), 16.0)


def _cells(values: NDArray[np.float32], reach: float) -> NDArray[np.int64]:
    scaled = np.floor((values / reach + 1) * (_CELLS / 2))
    scaled = np.clip(np.nan_to_num(scaled, nan=-1.0, posinf=_CELLS, neginf=-1.0), -1, _CELLS)
    cells: NDArray[np.int64] = scaled.astype(np.int64)
    return cells


def _signed(tick: int) -> str:
    return f"\u2212{-tick}" if tick < 0 else str(tick)
