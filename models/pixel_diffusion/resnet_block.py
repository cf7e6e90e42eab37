"""The block that transforms and denoisers are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .kept import KeptBlock, KeptConv, KeptJoin

__all__ = ["ChannelNorm", "ResnetBlock"]


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel, ``[b, c, h, w]``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).square().mean(1, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + 1e-5) * self.gain + self.shift


class ResnetBlock(nn.Module):
    """Two 3 x 3 convolutions, each with norm and activation, beside a shortcut; told a condition or not.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        condition: Length of the condition vector that scales and shifts the inner activations; 0 for none.
        norm: Layer norm over channels, or nothing.
        side: Side of the first convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, condition: int = 0, norm: bool = True, side: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, side, padding=side // 2)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norms = nn.ModuleList(ChannelNorm(outputs) if norm else nn.Identity() for _ in range(2))
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.told = nn.Linear(condition, 2 * outputs) if condition else None
        if not norm:  # without norms the sum over many blocks stays bounded if each starts small
            nn.init.normal_(self.second.weight, std=0.1 / (3 * outputs**0.5))
            nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]
        if self.told is not None:
            nn.init.zeros_(self.told.weight)
            nn.init.zeros_(self.told.bias)

    def keep(self, rest: Tensor) -> KeptBlock:
        """For `forward` again and again with inputs whose last channels are ``rest``."""
        kind = self.shortcut
        return KeptBlock(
            KeptConv(self.first, rest), KeptConv(kind, rest) if isinstance(kind, nn.Conv2d) else KeptJoin(rest)
        )

    def forward(self, x: Tensor, condition: Tensor | None = None, kept: KeptBlock | None = None) -> Tensor:
        """``[b, inputs, h, w]`` and ``[b, condition]`` to ``[b, outputs, h, w]``."""
        first, shortcut = (self.first, self.shortcut) if kept is None else kept
        inner = self.norms[0](first(x))
        if self.told is not None:
            scale, shift = self.told(condition)[..., None, None].to(inner.dtype).chunk(2, 1)
            inner = inner * (1 + scale) + shift
        inner = self.norms[1](self.second(F.silu(inner)))
        out: Tensor = shortcut(x) + (F.silu(inner) if isinstance(self.norms[1], ChannelNorm) else inner)
        return out
