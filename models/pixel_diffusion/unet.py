"""The denoiser: a U-Net that is told the time, the channel, and what the receiver understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import UnetConfig
from .diffusion import alpha_bar_at
from .kept import KeptBlock, KeptConv
from .resnet_block import ChannelNorm, ResnetBlock

__all__ = ["Kept", "LinearAttention", "Unet"]


class Kept(NamedTuple):
    """Of one picture: what all steps share."""

    enter: KeptConv | None
    levels: tuple[KeptBlock | None, ...]


class LinearAttention(nn.Module):
    """One head of linear attention over all pixels, beside a shortcut.

    Source:  Shen et al., Efficient attention: attention with linear complexities, WACV 2021.
    """

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.width = width
        self.norm = ChannelNorm(channels)
        self.enter = nn.Conv2d(channels, 3 * width, 1, bias=False)
        self.leave = nn.Conv2d(width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        query, key, value = self.enter(self.norm(x)).flatten(2).chunk(3, 1)  # [b, width, n]
        summary = key.softmax(2) @ value.transpose(1, 2) / x.shape[2] / x.shape[3]  # [b, width, width]
        out = summary.transpose(1, 2) @ (query.softmax(1) * self.width**-0.5)
        mixed: Tensor = self.leave(out.reshape(x.shape[0], self.width, *x.shape[2:]))
        return x + mixed


class _Level(nn.Module):
    def __init__(self, inputs: int, outputs: int, condition: int, config: UnetConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ResnetBlock(inputs if n == 0 else outputs, outputs, condition=condition, norm=config.norm)
            for n in range(config.blocks)
        )
        self.attention = LinearAttention(outputs) if config.attention else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor, kept: KeptBlock | None = None) -> Tensor:
        for index, block in enumerate(self.blocks):
            x = block(x, condition, kept if index == 0 else None)
        out: Tensor = self.attention(x)
        return out


class _Middle(nn.Module):
    """At the coarsest level: attention after the first of the blocks."""

    def __init__(self, channels: int, condition: int, config: UnetConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ResnetBlock(channels, channels, condition=condition, norm=config.norm) for _ in range(config.middle)
        )
        self.attention = LinearAttention(channels) if config.attention else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        for index, block in enumerate(self.blocks):
            x = block(x, condition)
            if index == 0:
                x = self.attention(x)
        return x


class Unet(nn.Module):
    """Predicts the clean picture (or residual) from a noisy one and the context of each level.

    Args:
        config: Sizes.
        context: Channels of the context at each level, finest first; 0 for none.
        inputs: Channels that come beside the noisy picture, at its resolution after unshuffling.
        told: How many numbers are told beside the time.

    Input:   x ``[b, 3, H, W]``, beside ``[b, inputs, H / u, W / u]``, time ``[b]`` in [0, 1], told ``[b, told]``.
    Output:  ``[b, 3, H, W]``.
    """

    def __init__(self, config: UnetConfig, context: tuple[int, ...], inputs: int, told: int) -> None:
        super().__init__()
        self.config = config
        pixels, widths, side = 3 * config.unshuffle**2, config.widths, config.side
        context = (*context, *(0 for _ in widths))[: len(widths)]
        condition = widths[0]
        self.time = nn.Sequential(
            nn.Linear(1 + told, config.time_width), nn.GELU(), nn.Linear(config.time_width, condition)
        )
        self.enter = nn.Conv2d(pixels + inputs, widths[0], side, padding=side // 2)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.shrink, self.widen = nn.ModuleList(), nn.ModuleList()
        before = widths[0]
        for index, (width, extra) in enumerate(zip(widths, context, strict=True)):
            self.down.append(_Level(before + extra, width, condition, config))
            if index < len(widths) - 1:
                self.shrink.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
            before = width
        self.middle = _Middle(before, condition, config) if config.middle else None
        for width in reversed(widths[:-1]):
            self.widen.append(nn.Conv2d(before, 4 * width, 1))
            self.up.append(_Level(2 * width, width, condition, config))
            before = width
        self.norm = ChannelNorm(before) if config.norm else nn.Identity()
        self.leave = nn.Conv2d(before, pixels, side, padding=side // 2)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(
        self,
        x: Tensor,
        beside: Tensor | None,
        time: Tensor,
        told: Tensor,
        context: tuple[Tensor | None, ...],
    ) -> Tensor:
        """Predict."""
        known = self._known(x, time)
        x = known if beside is None else torch.cat([known, beside.to(known.dtype)], 1)
        x = self.enter(x.contiguous(memory_format=torch.channels_last))

        def enter_level(index: int, x: Tensor, condition: Tensor) -> Tensor:
            extra = context[index] if index < len(context) else None
            if extra is not None:
                x = torch.cat([x, extra.to(x.dtype)], 1)
            out: Tensor = self.down[index](x, condition)
            return out

        return self._through(x, known, time, told, enter_level)

    def keep(self, beside: Tensor | None, context: tuple[Tensor | None, ...]) -> Kept:
        """What does not depend on the noisy picture or the time, for all steps of one picture."""
        levels: list[KeptBlock | None] = [None] * len(self.down)
        for index, extra in enumerate(context[: len(self.down)]):
            if extra is not None:
                levels[index] = self.down[index].blocks[0].keep(extra)  # type: ignore[union-attr,index]
        return Kept(None if beside is None else KeptConv(self.enter, beside), tuple(levels))

    def step(self, x: Tensor, time: Tensor, told: Tensor, kept: Kept) -> Tensor:
        """Predict, with what was kept: as `forward`, up to rounding."""
        known = self._known(x, time).contiguous(memory_format=torch.channels_last)
        x = (self.enter if kept.enter is None else kept.enter)(known)

        def enter_level(index: int, x: Tensor, condition: Tensor) -> Tensor:
            out: Tensor = self.down[index](x, condition, kept.levels[index])
            return out

        return self._through(x, known, time, told, enter_level)

    def _known(self, x: Tensor, time: Tensor) -> Tensor:
        """What the noisy picture by itself says of the clean one: unshuffled, and weighted as a Wiener filter would."""
        x = F.pixel_unshuffle(x, self.config.unshuffle)
        variance = self.config.prior_variance
        if variance is None:
            return x
        share = alpha_bar_at(time)[:, None, None, None].to(x.dtype)
        return x * (share.sqrt() * variance / (share * variance + 1 - share))

    def _through(
        self,
        x: Tensor,
        known: Tensor,
        time: Tensor,
        told: Tensor,
        enter_level: Callable[[int, Tensor, Tensor], Tensor],
    ) -> Tensor:
        condition = F.silu(self.time(torch.cat([time[:, None], told], 1)))
        skips = []
        for index in range(len(self.down)):
            x = enter_level(index, x, condition)
            if index < len(self.shrink):
                skips.append(x)
                x = self.shrink[index](x)
        if self.middle is not None:
            x = self.middle(x, condition)
        for level, widen in zip(self.up, self.widen, strict=True):
            skip = skips.pop()
            x = F.pixel_shuffle(widen(x), 2)[..., : skip.shape[2], : skip.shape[3]]
            x = level(torch.cat([x, skip], 1), condition)
        x = self.leave(self.norm(x))
        if self.config.prior_variance is not None:
            x = x + known
        out: Tensor = F.pixel_shuffle(x, self.config.unshuffle)
        return out
