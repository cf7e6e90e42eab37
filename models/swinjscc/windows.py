"""Positions to windows and back, and which positions of a window may look at each other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["gather_windows", "scatter_windows", "window_mask"]

_HIDDEN = -100.0
"""What is added where one position may not look at another; public networks were trained with it."""


def gather_windows(x: Tensor, side: int, shift: int) -> Tensor:
    """Cut ``[b, h, w, c]`` into windows ``[b * windows, side * side, c]``.

    Rows and columns that lack to whole windows are zeros; the grid is rolled up and to the left by ``shift``.
    """
    b, h, w, c = x.shape
    x = F.pad(x, (0, 0, 0, -w % side, 0, -h % side))
    if shift:
        x = torch.roll(x, (-shift, -shift), (1, 2))
    x = x.view(b, x.shape[1] // side, side, x.shape[2] // side, side, c)
    return x.transpose(2, 3).reshape(-1, side * side, c)


def scatter_windows(windows: Tensor, size: tuple[int, int, int], side: int, shift: int) -> Tensor:
    """Undo `gather_windows`: windows to ``[b, h, w, c]`` of this ``size``, (b, h, w)."""
    b, h, w = size
    rows, columns = (h + side - 1) // side, (w + side - 1) // side
    x = windows.view(b, rows, columns, side, side, -1).transpose(2, 3).reshape(b, rows * side, columns * side, -1)
    if shift:
        x = torch.roll(x, (shift, shift), (1, 2))
    return x[:, :h, :w]


def window_mask(like: Tensor, side: int, shift: int, *, always: bool = False) -> Tensor | None:
    """What is added to the attention within each window, ``[windows, side * side, side * side]``; None: nothing.

    Of a window that the roll made of two edges of the picture each side looks at itself, and no position at those that
    were added to whole windows.

    Args:
        like: ``[b, h, w, c]``; of its grid and dtype.
        side: Of a window.
        shift: By which the grid is rolled.
        always: Even of zeros alone, for graphs that serve every size.
    """
    h, w = like.shape[1:3]
    if not always and not shift and h % side == 0 and w % side == 0:
        return None
    rows, columns = (_kinds(size, side, shift, like.device) for size in (h, w))
    grid = (3 * rows[:, None] + columns).view(rows.shape[0] // side, side, columns.shape[0] // side, side)
    kinds = grid.transpose(1, 2).reshape(-1, side * side)
    apart = kinds[:, :, None] != kinds[:, None, :]
    return apart.to(like.dtype) * _HIDDEN


def _kinds(size: int, side: int, shift: int, device: torch.device) -> Tensor:
    """Of each place along a rolled axis: 0, or 1 where it came from the other end, or 2 where it was added."""
    whole = (size + side - 1) // side * side
    place = torch.arange(whole, device=device)
    wrapped = (place >= whole - shift).long()
    added = torch.roll(place, -shift) >= size if shift else place >= size
    return torch.where(added, 2, wrapped)
