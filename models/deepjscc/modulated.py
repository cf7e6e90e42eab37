"""Residual blocks whose inner activations are scaled and shifted by what the network is told (FiLM)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Condition", "ModulatedBlock", "ModulatedStack"]


class Condition(nn.Module):
    """Turns the condition vector into one (scale, shift) pair per block; starts at zero, that is: no modulation.

    Args:
        inputs: Length of the condition vector.
        hidden: Width of the hidden layer.
        blocks: How many blocks are modulated.
        width: Channels of a block.

    Source:  Perez et al., FiLM: visual reasoning with a general conditioning layer, AAAI 2018.
    """

    def __init__(self, inputs: int, hidden: int, blocks: int, width: int) -> None:
        super().__init__()
        self.blocks, self.width = blocks, width
        self.enter = nn.Linear(inputs, hidden)
        self.leave = nn.Linear(hidden, blocks * 2 * width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, condition: Tensor) -> Tensor:
        """``[b, inputs]`` to ``[blocks, 2, b, width, 1, 1]``."""
        out: Tensor = self.leave(F.gelu(self.enter(condition)))
        return out.view(-1, self.blocks, 2, self.width).permute(1, 2, 0, 3)[..., None, None]


class ModulatedBlock(nn.Module):
    """``x + conv(gelu(conv(x) * (1 + scale) + shift))``; the second convolution starts small."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.normal_(self.second.weight, std=0.1 / (3 * width**0.5))
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``[b, width, h, w]`` to the same shape."""
        inner = self.first(x)
        inner = inner * (1 + scale.to(inner.dtype)) + shift.to(inner.dtype)
        out: Tensor = x + self.second(F.gelu(inner))
        return out


class ModulatedStack(nn.Module):
    """Blocks in a row with their conditioning; without blocks it hands on what it is given."""

    def __init__(self, inputs: int, hidden: int, blocks: int, width: int) -> None:
        super().__init__()
        self.condition = Condition(inputs, hidden, blocks, width) if blocks else None
        self.body = nn.ModuleList(ModulatedBlock(width) for _ in range(blocks))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """``x``: ``[b, width, h, w]``; ``condition``: ``[b, inputs]``."""
        if self.condition is None:
            return x
        for block, (scale, shift) in zip(self.body, self.condition(condition), strict=True):
            x = block(x, scale, shift)
        return x
