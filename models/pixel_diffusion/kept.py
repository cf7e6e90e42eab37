"""Layers of the denoiser of which one half of the input stays the same from step to step."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["KeptBlock", "KeptConv", "KeptJoin"]


class KeptConv:
    """A convolution of ``cat(x, rest)`` whose share of ``rest`` is computed once: it is linear.

    Args:
        layer: The convolution, of stride 1.
        rest: The last channels of its input.
    """

    def __init__(self, layer: nn.Conv2d, rest: Tensor) -> None:
        own = layer.in_channels - rest.shape[1]
        self.padding: tuple[int, int] = layer.padding  # type: ignore[assignment]
        self.weight = layer.weight[:, :own].contiguous(memory_format=torch.channels_last)
        weight = layer.weight[:, own:].contiguous(memory_format=torch.channels_last)
        rest = rest.to(layer.weight.dtype).contiguous(memory_format=torch.channels_last)
        self.share = F.conv2d(rest, weight, layer.bias, padding=self.padding)

    def __call__(self, x: Tensor) -> Tensor:
        """Of the first channels alone."""
        return F.conv2d(x, self.weight, None, padding=self.padding).add_(self.share)


class KeptJoin:
    """``cat(x, rest)``, for a shortcut without weights."""

    def __init__(self, rest: Tensor) -> None:
        self.rest = rest

    def __call__(self, x: Tensor) -> Tensor:
        """Joined."""
        return torch.cat([x, self.rest.to(x.dtype)], 1)


class KeptBlock(NamedTuple):
    """What a residual block does with its input."""

    first: KeptConv
    shortcut: KeptConv | KeptJoin
