"""Transformer blocks whose attention stays within windows; every other block has them moved by half a side.

Source: Liu et al., Swin Transformer, ICCV 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .windows import gather_windows, scatter_windows, window_mask

__all__ = ["SwinBlock", "SwinStack", "WindowAttention"]


class WindowAttention(nn.Module):
    r"""Attention among the positions of a window, with a bias for each relative position.

    .. math:: \mathrm{softmax}\!\left(Q K^T / \sqrt{d} + B\right) V

    Args:
        width: Of a position.
        side: Of a window in positions.
        heads: How many.
    """

    places: Tensor

    def __init__(self, width: int, side: int, heads: int) -> None:
        super().__init__()
        self.heads, self.positions = heads, side * side
        self.bias = nn.Parameter(torch.empty((2 * side - 1) ** 2, heads))
        nn.init.trunc_normal_(self.bias, std=0.02)
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)
        row, column = torch.arange(side * side) // side, torch.arange(side * side) % side
        down, right = (axis[:, None] - axis[None, :] + side - 1 for axis in (row, column))
        self.register_buffer("places", (down * (2 * side - 1) + right).flatten(), persistent=False)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """``windows``: ``[b * n, side * side, width]``; ``mask``: ``[n, side * side, side * side]``, added."""
        count, positions, width = windows.shape
        qkv = self.enter(windows).view(count, positions, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each [b * n, heads, side * side, d]
        added = self.bias.index_select(0, self.places).view(positions, positions, self.heads).permute(2, 0, 1)
        added = added.to(q.dtype)[None]  # [1, heads, side * side, side * side]
        if mask is not None:
            added = added + mask.to(q.dtype)[:, None]  # [n, heads, side * side, side * side]
            if count != mask.shape[0]:
                added = added.repeat(count // mask.shape[0], 1, 1, 1)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=added)
        out: Tensor = self.leave(x.transpose(1, 2).reshape(count, positions, width))
        return out


class SwinBlock(nn.Module):
    """``x + attention(norm(x))``, and then ``x + mlp(norm(x))``.

    Args:
        width: Of a position.
        side: Of a window in positions.
        heads: Of the attention.
        expansion: Hidden width of the two layers behind it, in widths.
        shift: By which the windows are moved.
    """

    def __init__(self, width: int, side: int, heads: int, expansion: int, shift: int) -> None:
        super().__init__()
        self.side, self.shift = side, shift
        self.before_attention = nn.LayerNorm(width)
        self.attention = WindowAttention(width, side, heads)
        self.before_layers = nn.LayerNorm(width)
        self.layers = nn.Sequential(nn.Linear(width, expansion * width), nn.GELU(), nn.Linear(expansion * width, width))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """``[b, h, w, width]`` to the same; ``mask``: of `window_mask`."""
        windows = gather_windows(self.before_attention(x), self.side, self.shift)
        mixed = self.attention(windows, mask)
        x = x + scatter_windows(mixed, (x.shape[0], x.shape[1], x.shape[2]), self.side, self.shift)
        out: Tensor = x + self.layers(self.before_layers(x))
        return out


class SwinStack(nn.Module):
    """Blocks in a row, the windows of every second moved by half their side.

    Args:
        width: Of a position.
        depth: How many blocks.
        side: Of a window in positions.
        heads: Of the attention.
        expansion: See `SwinBlock`.
    """

    always = False  # masks of zeros too

    def __init__(self, width: int, depth: int, side: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.side = side
        self.shifts = [index % 2 * (side // 2) for index in range(depth)]
        self.blocks = nn.ModuleList(SwinBlock(width, side, heads, expansion, shift) for shift in self.shifts)

    def forward(self, x: Tensor) -> Tensor:
        """``[b, h, w, width]`` to the same."""
        masks = {shift: window_mask(x, self.side, shift, always=self.always) for shift in sorted(set(self.shifts))}
        for block, shift in zip(self.blocks, self.shifts, strict=True):
            x = block(x, masks[shift])
        return x
