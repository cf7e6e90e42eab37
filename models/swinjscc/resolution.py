"""Between levels: four positions become one, or one becomes several.

Source: Liu et al., Swin Transformer, ICCV 2021 (merging); Yang et al., SwinJSCC, IEEE TCCN 2024 (its reverse).
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Merge", "Spread"]


class Merge(nn.Module):
    """Each square of 2 x 2 positions, normalised together, becomes one."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduce = nn.Linear(4 * width, out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``[b, h, w, width]``, h and w even, to ``[b, h / 2, w / 2, out]``."""
        b, h, w, c = x.shape
        x = x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 4, 2, 5)  # of a square first the left column
        out: Tensor = self.reduce(self.norm(x.reshape(b, h // 2, w // 2, 4 * c)))
        return out


class Spread(nn.Module):
    """Each position becomes a square of ``side`` by ``side``."""

    def __init__(self, width: int, out: int, side: int) -> None:
        super().__init__()
        self.out, self.side = out, side
        self.norm = nn.LayerNorm(width)
        self.increase = nn.Linear(width, out * side * side, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``[b, h, w, width]`` to ``[b, side h, side w, out]``."""
        b, h, w, _ = x.shape
        x = self.increase(self.norm(x)).view(b, h, w, self.out, self.side, self.side)
        return x.permute(0, 1, 4, 2, 5, 3).reshape(b, self.side * h, self.side * w, self.out)
