r"""A denoiser whose filters the condition changes.

A condition-aware block has depthwise filters of its own and, by a linear map of what is told, what is added to them:

.. math:: w(c) = w_0 + A c, \quad c = \mathrm{MLP}(\gamma(t), \gamma(\mathrm{SNR}))

with :math:`\gamma` sines and cosines.

Source: Cai et al., Condition-aware neural network for controlled image generation, CVPR 2024; Chen & Yang, CASC, 2024.
CASC takes the first for latents and publishes neither sizes nor which layers are modulated; these are of our choice.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import DenoiserConfig

__all__ = ["ConditionalDenoiser"]

_SIDE = 3  # of a depthwise filter
_LONGEST = 1000.0  # levels


class ConditionalDenoiser(nn.Module):
    r"""Estimates clean latents from noisy ones and from what was received.

    .. math:: \hat z_0 = r + \sqrt{\frac{v}{1 + v}}\, f(z_t, r, v, t), \quad r = \frac{y}{1 + v}

    v is the channel's noise in each value of what was received, y, and r the linear estimate for latents of unit
    variance, whose error has variance v / (1 + v).

    Args:
        config: Sizes.
        channels: Of latents.
    """

    def __init__(self, config: DenoiserConfig, channels: int) -> None:
        super().__init__()
        wide, deep = config.widths
        self.config = config
        self.embed = nn.Sequential(
            nn.Linear(config.embedding, config.embedding), nn.SiLU(), nn.Linear(config.embedding, config.embedding)
        )
        self.first = nn.Conv2d(3 * channels, wide, _SIDE, padding=1)
        self.down = nn.ModuleList(_Block(wide, config) for _ in range(config.blocks[0]))
        self.coarser = nn.Conv2d(wide, deep, 2, stride=2)
        self.middle = nn.ModuleList(_Block(deep, config) for _ in range(config.blocks[1]))
        self.finer = nn.ConvTranspose2d(deep, wide, 2, stride=2)
        self.up = nn.ModuleList(_Block(wide, config) for _ in range(config.blocks[0]))
        self.last = nn.Conv2d(wide, channels, _SIDE, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(cast(Tensor, self.last.bias))

    def forward(self, noisy: Tensor, received: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """Estimate.

        Args:
            noisy: ``[b, c, h, w]``, even sides: latents of a diffusion at a level.
            received: Of the same shape: latents as they came, equalised without bias.
            noise: Of the same shape: v.
            level: ``[b]``, 0 to 999.
        """
        share = 1 / (1 + noise)
        linear = share * received
        snr_db = -10 * noise.flatten(1).mean(1).clamp(min=1e-4).log10()  # 40 dB at most
        half = self.config.embedding // 2
        condition = self.embed(torch.cat([_waves(level, half), _waves(10 * snr_db, half)], 1))
        x = self.first(torch.cat([noisy, linear, share], 1))
        x = _through(self.down, x, condition)
        below = _through(self.middle, self.coarser(x), condition)
        x = _through(self.up, x + self.finer(below), condition)
        estimate: Tensor = linear + (noise * share).sqrt() * self.last(x)
        return estimate


class _Block(nn.Module):
    """Depthwise filters that the condition changes, then two products at each place; added to what came."""

    def __init__(self, width: int, config: DenoiserConfig) -> None:
        super().__init__()
        self.filters = nn.Parameter(torch.randn(width, 1, _SIDE, _SIDE) / _SIDE)
        self.change = nn.Linear(config.embedding, width * _SIDE**2)
        self.norm = nn.GroupNorm(config.norm_groups, width)
        self.widen = nn.Conv2d(width, config.expansion * width, 1)
        self.narrow = nn.Conv2d(config.expansion * width, width, 1)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        batch, width, height, wide = x.shape
        filters = self.filters + self.change(condition).reshape(batch, width, 1, _SIDE, _SIDE)
        each = x.reshape(1, batch * width, height, wide)  # a group a channel of a picture: each has filters of its own
        y = functional.conv2d(each, filters.reshape(-1, 1, _SIDE, _SIDE), padding=1, groups=batch * width)
        y = self.norm(y.reshape(x.shape))
        return x + cast(Tensor, self.narrow(functional.gelu(self.widen(y))))


def _through(blocks: nn.ModuleList, x: Tensor, condition: Tensor) -> Tensor:
    for block in blocks:
        x = block(x, condition)
    return x


def _waves(value: Tensor, count: int) -> Tensor:
    """Sines and cosines ``[b, count]`` of values ``[b]``, of wavelengths from 2 pi to 2000 pi."""
    rates = torch.exp(-math.log(_LONGEST) * torch.linspace(0, 1, count // 2, device=value.device))
    angles = value[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
