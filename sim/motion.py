"""Motion of tiles between two frames of a video: estimated in half pixels, and made up for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .tiles import Grid

__all__ = ["REACH", "Motion", "estimate_motion", "moved"]

REACH = 7
"""Pixels that a tile may have moved, up, down, left and right, at most."""
_ZERO_BIAS = 1.2  # a vector that is not zero must be better by so much: it costs bits
_HALF = np.float32(0.5)


class Motion(NamedTuple):
    """Where the tiles of a frame were in the one before.

    Attributes:
        vectors: int64 ``[n, 2]``: down and right, in half pixels; where the tile was, less where it is.
        error: float64 ``[n]``: mean squared difference of the tile and what it is predicted by.
    """

    vectors: NDArray[np.int64]
    error: NDArray[np.float64]


def moved(before: NDArray[np.float32], grid: Grid, vectors: NDArray[np.int64]) -> NDArray[np.float32]:
    """Predict the tiles of a frame by those that they were; between pixels by the mean of neighbours.

    Args:
        before: float32 ``[H, W, C]``: the frame before; its edge goes on outside.
        grid: Of the frame.
        vectors: int64 ``[n, 2]``: half pixels, down and right, of at most `REACH` pixels.

    Returns:
        float32 ``[n, side, side, C]``.
    """
    side, margin = grid.side, REACH + 1
    below, right = grid.rows * side - grid.height, grid.columns * side - grid.width
    padded = np.pad(before, ((margin, margin + below), (margin, margin + right), (0, 0)), mode="edge")
    tiles = np.empty((grid.size, side, side, before.shape[2]), np.float32)
    for index, (down, across) in enumerate(vectors.tolist()):
        row, column = divmod(index, grid.columns)
        top, left = row * side + margin + (down >> 1), column * side + margin + (across >> 1)
        block = padded[top : top + side + (down & 1), left : left + side + (across & 1)]
        if down & 1:
            block = (block[1:] + block[:-1]) * _HALF
        if across & 1:
            block = (block[:, 1:] + block[:, :-1]) * _HALF
        tiles[index] = block
    return tiles


def estimate_motion(before: NDArray[np.uint8], now: NDArray[np.uint8], grid: Grid) -> Motion:
    """Look for where each tile was: at half the size all places in reach, then finer about the best.

    Args:
        before: uint8 ``[H, W, 3]``.
        now: uint8 ``[H, W, 3]``.
        grid: Of both.
    """
    grey_before, grey = (picture.mean(axis=2, dtype=np.float32)[..., None] for picture in (before, now))
    tiles = moved(grey, grid, np.zeros((grid.size, 2), np.int64))
    best = 4 * _coarse(grey_before, grey, grid)
    best = _finer(grey_before, tiles, grid, best, step=2)
    best = _finer(grey_before, tiles, grid, best, step=1)
    still = np.zeros_like(best)
    colours = moved(now.astype(np.float32), grid, still)
    errors = [
        np.square(colours - moved(before.astype(np.float32), grid, vectors)).mean(axis=(1, 2, 3), dtype=np.float64)
        for vectors in (still, best)
    ]
    stays = errors[0] <= _ZERO_BIAS * errors[1]
    return Motion(np.where(stays[:, None], 0, best), np.where(stays, *errors))


def _coarse(before: NDArray[np.float32], now: NDArray[np.float32], grid: Grid) -> NDArray[np.int64]:
    """Vectors in pixels of the halved picture."""
    side, rows, columns, reach = grid.side // 2, grid.rows, grid.columns, REACH // 2
    half_before, half = (_halved(picture, grid) for picture in (before, now))
    around = np.pad(half_before, reach, mode="edge")
    found = np.full(grid.size, np.inf)
    best = np.zeros((grid.size, 2), np.int64)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            there = around[reach + down :, reach + right :][: half.shape[0], : half.shape[1]]
            squared = np.square(half - there).reshape(rows, side, columns, side).sum(axis=(1, 3)).reshape(-1)
            better = squared < found
            found[better], best[better] = squared[better], (down, right)
    return best


def _halved(picture: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    below, right = grid.rows * grid.side - grid.height, grid.columns * grid.side - grid.width
    whole = np.pad(picture[..., 0], ((0, below), (0, right)), mode="edge")
    return (whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]) * (_HALF * _HALF)


def _finer(
    before: NDArray[np.float32], tiles: NDArray[np.float32], grid: Grid, about: NDArray[np.int64], *, step: int
) -> NDArray[np.int64]:
    """The best of the nine vectors about each, ``step`` half pixels apart."""
    found = np.full(grid.size, np.inf)
    best = about.copy()
    for down in (0, -step, step):
        for right in (0, -step, step):
            tried = np.clip(about + np.array([down, right]), -2 * REACH, 2 * REACH)
            squared = np.square(tiles - moved(before, grid, tried)).sum(axis=(1, 2, 3))
            better = squared < found
            found[better], best[better] = squared[better], tried[better]
    return best
