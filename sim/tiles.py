"""Pictures as tiles: cutting, pasting, packing some of them into a smaller picture, and choosing which."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "choose_tiles", "cut_whole", "join_whole", "packed_sides", "refreshed_each_frame", "tile_change"]

T = TypeVar("T", np.uint8, np.float32)


class Grid(NamedTuple):
    """How a picture is cut: square tiles, row by row; those at the right and at the bottom are filled up by the edge.

    Attributes:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        side: Of a tile, pixels.

    >>> Grid(288, 352, 32).rows, Grid(288, 352, 32).columns
    (9, 11)
    """

    height: int
    width: int
    side: int

    @property
    def rows(self) -> int:
        """Of tiles."""
        return -(-self.height // self.side)

    @property
    def columns(self) -> int:
        """Of tiles."""
        return -(-self.width // self.side)

    @property
    def size(self) -> int:
        """Tiles in all."""
        return self.rows * self.columns

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut a picture.

        Args:
            picture: uint8 ``[H, W, 3]``.

        Returns:
            uint8 ``[size, side, side, 3]``.
        """
        below, right = self.rows * self.side - self.height, self.columns * self.side - self.width
        return cut_whole(np.pad(picture, ((0, below), (0, right), (0, 0)), mode="edge"), self.side)

    def join(self, tiles: NDArray[T]) -> NDArray[T]:
        """Undo `cut`.

        Args:
            tiles: uint8 or float32 ``[size, side, side, 3]``.

        Returns:
            ``[H, W, 3]`` of that kind, an array of its own.
        """
        return np.ascontiguousarray(join_whole(tiles, self.rows, self.columns)[: self.height, : self.width])


def cut_whole(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Cut a picture whose sides are multiples of the tile's.

    Args:
        picture: uint8 ``[rows side, columns side, 3]``.
        side: Of a tile, pixels.

    Returns:
        uint8 ``[rows columns, side, side, 3]``.
    """
    rows, columns = picture.shape[0] // side, picture.shape[1] // side
    cut = picture.reshape(rows, side, columns, side, 3).swapaxes(1, 2)  # [rows, columns, side, side, 3]
    return cut.reshape(rows * columns, side, side, 3)


def join_whole(tiles: NDArray[T], rows: int, columns: int) -> NDArray[T]:
    """Lay tiles row by row.

    Args:
        tiles: uint8 or float32 ``[rows columns, side, side, 3]``.
        rows: Of tiles.
        columns: Of tiles.

    Returns:
        ``[rows side, columns side, 3]`` of that kind.
    """
    side = tiles.shape[1]
    return tiles.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(rows * side, columns * side, 3)


def packed_sides(rows: int, columns: int, most: int) -> tuple[int, int]:
    """Rows and columns of the smaller picture: as many tiles as may be sent, in the squarest shape of that many.

    The squarest has the shortest border between tiles that were no neighbours. It is no higher and no wider than the
    frame, so that all tiles make the frame itself.

    Args:
        rows: Of tiles in the frame.
        columns: Of tiles in the frame.
        most: Tiles that may be sent, 1 at least.

    >>> packed_sides(9, 11, 49), packed_sides(9, 11, 24), packed_sides(9, 11, 99), packed_sides(9, 11, 13)
    ((7, 7), (4, 6), (9, 11), (3, 4))
    """
    shapes = [(high, min(most // high, columns)) for high in range(1, min(rows, most) + 1)]
    return max(shapes, key=lambda shape: (shape[0] * shape[1], -abs(shape[0] - shape[1]), shape[1]))


def refreshed_each_frame(count: int, refresh_frames: int) -> int:
    """How many of the tiles sent longest ago a frame takes, so that none waits longer than ``refresh_frames``.

    A tile that was just sent stands behind ``count - 1`` others, and each frame takes so many from the front.

    Args:
        count: Of tiles in the frame.
        refresh_frames: The longest that a tile waits.

    >>> refreshed_each_frame(99, 16)
    7
    """
    return math.ceil(count / refresh_frames)


def tile_change(tiles: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sum of squared differences of each tile.

    Args:
        tiles: uint8 ``[n, side, side, 3]``.
        before: Likewise.

    Returns:
        float64 ``[n]``.
    """
    difference = tiles.astype(np.int32) - before
    squared: NDArray[np.float64] = np.einsum("nijc,nijc->n", difference, difference).astype(np.float64)
    return squared


def choose_tiles(change: NDArray[np.float64], age: NDArray[np.int64], count: int, oldest: int) -> NDArray[np.intp]:
    """Choose which tiles a frame sends: the oldest, and of the others those that changed most.

    Equal ones: the older, then the first in the row.

    Args:
        change: float64 ``[n]``: since each was last sent; infinite where it never was.
        age: int64 ``[n]``: frames since then.
        count: How many.
        oldest: How many of them are taken by age alone; at most ``count``.

    Returns:
        intp ``[count]``, rising: neighbours in a row stay side by side.

    >>> choose_tiles(np.array([9.0, 0, 4, 1]), np.array([1, 5, 2, 2]), 2, 1).tolist()
    [0, 1]
    """
    place = np.arange(change.size)
    by_age = np.lexsort((place, -age))
    chosen = by_age[:oldest]
    by_change = np.lexsort((place, -age, -change))
    others = by_change[~np.isin(by_change, chosen)]
    return np.sort(np.concatenate([chosen, others[: count - oldest]]))
