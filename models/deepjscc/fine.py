"""Residual networks at a quarter of the patch: half the stride of the others, and most of the arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import AdaptiveConfig
from .modulated import ModulatedStack

__all__ = ["FineIn", "FineOut"]


class FineIn(nn.Module):
    """Looks at a picture closely, for the coarser networks behind it; adds nothing before training.

    Args:
        config: Sizes.
        conditions: Length of the condition vector.
    """

    def __init__(self, config: AdaptiveConfig, conditions: int) -> None:
        super().__init__()
        self.side, width = config.patch // 4, config.fine_width
        self.enter = nn.Conv2d(3 * self.side**2, width, 1)
        self.stack = ModulatedStack(conditions, config.condition_width, config.encoder_fine_blocks, width)
        self.leave = nn.Conv2d(width, config.width, 2, stride=2)
        _silence(self.leave)

    def forward(self, centred: Tensor, condition: Tensor) -> Tensor:
        """Pictures less their mean ``[b, 3, h, w]`` to ``[b, width, h / half, w / half]``, half a patch's side."""
        x = self.enter(F.pixel_unshuffle(centred, self.side).contiguous(memory_format=torch.channels_last))
        out: Tensor = self.leave(self.stack(x, condition))
        return out


class FineOut(nn.Module):
    """Corrects an estimate by what the coarser networks before it know; adds nothing before training.

    Args:
        config: Sizes.
        conditions: Length of the condition vector.
    """

    def __init__(self, config: AdaptiveConfig, conditions: int) -> None:
        super().__init__()
        self.side, width = config.patch // 4, config.fine_width
        self.enter = nn.Conv2d(config.width, 4 * width, 1)
        self.enter_picture = nn.Conv2d(3 * self.side**2, width, 1)
        self.stack = ModulatedStack(conditions, config.condition_width, config.decoder_fine_blocks, width)
        self.leave = nn.Conv2d(width, 3 * self.side**2, 1)
        _silence(self.leave)

    def forward(self, estimate: Tensor, known: Tensor, condition: Tensor) -> Tensor:
        """Estimates ``[b, 3, h, w]`` and ``[b, width, h / half, w / half]`` to what is missing in the estimates."""
        picture = F.pixel_unshuffle(estimate, self.side).contiguous(memory_format=torch.channels_last)
        x = self.enter_picture(picture) + F.pixel_shuffle(self.enter(known), 2)
        x = self.stack(x.contiguous(memory_format=torch.channels_last), condition)
        return F.pixel_shuffle(self.leave(x), self.side).float() * 0.25


def _silence(layer: nn.Conv2d) -> None:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
