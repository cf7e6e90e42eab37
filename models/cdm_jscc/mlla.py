"""Mamba-like linear attention, and linear layers of which each patch uses the one of its rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["MllaBlock", "RateLinear", "rotary"]


def rotary(height: int, width: int, channels: int, like: Tensor, base: float = 1e4) -> Tensor:
    """Rotary position angles of a grid in radians: ``[height * width, channels / 2]``.

    The first half of the channels turns with the row, the second with the column.

    Source:  Su et al., RoFormer, Neurocomputing 568 (2024), in two dimensions.
    """
    pairs = channels // 4
    speed = base ** (-torch.arange(pairs, dtype=torch.float32, device=like.device) / pairs)
    rows = torch.arange(height, dtype=torch.float32, device=like.device)[:, None] * speed
    columns = torch.arange(width, dtype=torch.float32, device=like.device)[:, None] * speed
    both = torch.cat(
        [rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)], 2
    )  # [height, width, channels / 2]
    return both.flatten(0, 1)


def _turn(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate pairs of channels, ``[b, heads, n, c]``."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).flatten(-2)


class MllaBlock(nn.Module):
    r"""Linear attention in the design of Mamba: gated, with depthwise convolutions around it, then an MLP.

    .. math:: \mathrm{out}_i = \frac{R_i \phi(q_i) \sum_j (R_j \phi(k_j))^T v_j}{\phi(q_i) \sum_j \phi(k_j)^T}
              + \mathrm{conv}(v)_i, \quad \phi = \mathrm{ELU} + 1

    R_i turns pairs of channels by the place of patch i.

    Cost is linear in the number of patches.

    Args:
        width: Channels, a multiple of 4 times ``heads``.
        heads: Of the attention.
        mlp_ratio: Width of the MLP over ``width``.

    Input:   ``[b, n, width]`` with n = height * width of the grid, row by row.
    Output:  the same shape.
    Source:  Han et al., Demystify Mamba in vision: a linear attention perspective, NeurIPS 2024.
    """

    def __init__(self, width: int, heads: int, mlp_ratio: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, width)
        self.enter = nn.Linear(width, width)
        self.mix = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.query_key = nn.Linear(width, 2 * width)
        self.local = nn.Conv2d(width, width, 3, padding=1, groups=width)  # position encoding from the neighbours
        self.leave = nn.Linear(width, width)
        self.after = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp_ratio * width), nn.GELU(), nn.Linear(mlp_ratio * width, width))

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Attend over the grid."""
        x = x + _on_grid(self.before, x, height, width)
        shortcut = x
        x = self.norm(x)
        gate = F.silu(self.gate(x))
        x = F.silu(_on_grid(self.mix, self.enter(x), height, width))
        x = self.leave(self._attend(x, height, width) * gate)
        x = shortcut + x
        x = x + _on_grid(self.after, x, height, width)
        out: Tensor = x + self.mlp(self.norm_mlp(x))
        return out

    def _attend(self, x: Tensor, height: int, width: int) -> Tensor:
        frames, count, channels = x.shape
        each = channels // self.heads
        query, key = (F.elu(part) + 1 for part in self.query_key(x).chunk(2, 2))
        query, key, value = (
            part.reshape(frames, count, self.heads, each).transpose(1, 2) for part in (query, key, x)
        )  # [b, heads, n, each]
        angles = rotary(height, width, each, x)
        weight = 1 / (query @ key.mean(2, keepdim=True).transpose(2, 3) + 1e-6)
        summary = (_turn(key, angles).transpose(2, 3) / count**0.5) @ (value / count**0.5)  # [b, heads, each, each]
        attended = _turn(query, angles) @ summary * weight
        out: Tensor = attended.transpose(1, 2).reshape(frames, count, channels) + _on_grid(self.local, x, height, width)
        return out


def _on_grid(layer: nn.Module, rows: Tensor, height: int, width: int) -> Tensor:
    frames, _, channels = rows.shape
    out: Tensor = layer(rows.transpose(1, 2).reshape(frames, channels, height, width))
    return out.flatten(2).transpose(1, 2)


class RateLinear(nn.Module):
    """One linear layer a rate; patches are grouped by rate, so that no weight is copied for a patch.

    Args:
        rates: How many.
        inputs: Channels in.
        outputs: Channels out.
        start: ``zero`` to add nothing before training.

    Input:   ``[b, n, inputs]``, and the rate of each patch ``[b, n]``.
    Output:  ``[b, n, outputs]``.
    """

    def __init__(self, rates: int, inputs: int, outputs: int, start: str = "random") -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rates, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(rates, outputs))
        if start != "zero":
            nn.init.uniform_(self.weight, -(inputs**-0.5), inputs**-0.5)

    def forward(self, x: Tensor, levels: Tensor) -> Tensor:
        """Each patch through the layer of its rate."""
        rows, which = x.reshape(-1, x.shape[2]), levels.reshape(-1)
        if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export():  # grouping has no fixed graph
            parts = [
                (rows @ weight + bias) * (which == level).to(x.dtype)[:, None]
                for level, (weight, bias) in enumerate(zip(self.weight, self.bias, strict=True))
            ]
            return torch.stack(parts).sum(0).reshape(*x.shape[:2], -1)
        if rows.device.type != "cpu":
            return self.all_at_once(rows, which).reshape(*x.shape[:2], -1)
        order = which.argsort(stable=True)
        counts = torch.bincount(which, minlength=self.weight.shape[0]).tolist()
        parts, done = [], 0
        ordered = rows[order]
        for level, count in enumerate(counts):
            if count:
                parts.append(torch.addmm(self.bias[level], ordered[done : done + count], self.weight[level]))
            done += count
        out = torch.cat(parts)[order.argsort()]
        return out.reshape(*x.shape[:2], -1)

    def all_at_once(self, rows: Tensor, which: Tensor) -> Tensor:
        """Each row ``[n, inputs]`` through all layers, of which one is kept: grouping would wait for a GPU to count."""
        rates, inputs, outputs = self.weight.shape
        every = rows @ self.weight.transpose(0, 1).reshape(inputs, rates * outputs)
        kept = every.reshape(-1, rates, outputs).gather(1, which[:, None, None].expand(-1, 1, outputs))
        return kept[:, 0] + self.bias[which].to(kept.dtype)
