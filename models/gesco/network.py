"""The U-Net: what the picture is meant to show comes in by the scale and shift of its norms.

Modules are named as in the public code, so that its files of weights load as they are: `time_embed`, `input_blocks`,
`middle_block`, `output_blocks`, `out`.

Source: Grassucci, Barbarossa & Comminiello, Generative semantic communication: diffusion models beyond bit recovery,
2023; Wang et al., Semantic image synthesis via diffusion models, 2022; Dhariwal & Nichol, Diffusion models beat GANs
on image synthesis, NeurIPS 2021 (the layout); Park et al., Semantic image synthesis with spatially-adaptive
normalization, CVPR 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .sizes import GescoConfig

__all__ = ["Condition", "Gesco", "SpadeNorm"]

Condition = list[tuple[Tensor, Tensor]]
"""Scale and shift of each norm in the order in which they are met; they do not depend on the noise."""
Resampling = Literal["none", "down", "up"]


class Gesco(nn.Module):
    r"""Estimates noise, and how the variance of a step lies between its bounds, from a noisy picture and its meaning.

    .. math:: [\hat\epsilon, v] = f(x_t, t, m)

    Args:
        config: Sizes.
    """

    def __init__(self, config: GescoConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width))
        channels, skipped = config.multipliers[0] * width, [config.multipliers[0] * width]
        self.input_blocks = nn.ModuleList([nn.ModuleList([nn.Conv2d(3 * config.patch**2, channels, 3, padding=1)])])
        for level, multiplier in enumerate(config.multipliers):
            for _ in range(config.blocks):
                layers = [_Residual(config, channels, multiplier * width)]
                channels = multiplier * width
                self.input_blocks.append(self._with_attention(layers, level))
                skipped.append(channels)
            if level < len(config.multipliers) - 1:
                self.input_blocks.append(nn.ModuleList([_Residual(config, channels, channels, resampling="down")]))
                skipped.append(channels)
        low = 2 ** (len(config.multipliers) - 1)
        self.middle_block = nn.ModuleList(
            [
                _Residual(config, channels, channels, spade_stride=low),
                _Attention(config, channels),
                _Residual(config, channels, channels, spade_stride=low),
            ]
        )
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(config.multipliers))):
            for index in range(config.blocks + 1):
                layers = [_Residual(config, channels + skipped.pop(), multiplier * width, spade_stride=2**level)]
                channels = multiplier * width
                block = self._with_attention(layers, level)
                if level and index == config.blocks:
                    block.append(_Residual(config, channels, channels, spade_stride=2**level, resampling="up"))
                self.output_blocks.append(block)
        last = nn.Conv2d(channels, 6 * config.patch**2, 3, padding=1)
        self.out = nn.Sequential(nn.GroupNorm(config.norm_groups, channels), nn.SiLU(), _silent(last))

    def _with_attention(self, layers: Iterable[nn.Module], level: int) -> nn.ModuleList:
        block = nn.ModuleList(layers)
        if self.config.attention[level]:
            block.append(_Attention(self.config, self.config.multipliers[level] * self.config.width))
        return block

    def condition(self, maps: Tensor) -> Condition:
        """What the maps ``[b, maps, h, w]`` say to each norm; sides multiples of the stride."""
        maps = F.pixel_unshuffle(maps, self.config.patch)
        return [norm.scale_and_shift(maps) for norm in self.modules() if isinstance(norm, SpadeNorm)]

    def predict(self, noisy: Tensor, level: Tensor, condition: Condition) -> Tensor:
        """Noise (three channels) and variance (three) of noisy pictures ``[b, 3, h, w]`` at levels ``[b]``."""
        embedding = self.time_embed(_embedding(level, self.config.width))
        norms, skipped = iter(condition), []
        x = F.pixel_unshuffle(noisy, self.config.patch)
        for block in self.input_blocks:
            x = _through(block, x, embedding, norms)
            skipped.append(x)
        x = _through(self.middle_block, x, embedding, norms)
        for block in self.output_blocks:
            x = _through(block, torch.cat([x, skipped.pop()], 1), embedding, norms)
        return F.pixel_shuffle(self.out(x), self.config.patch)

    def forward(self, noisy: Tensor, level: Tensor, maps: Tensor) -> Tensor:
        """`predict` from the maps."""
        return self.predict(noisy, level, self.condition(maps))


class SpadeNorm(nn.Module):
    """A norm whose scale and shift come from maps, each pixel's own.

    Args:
        config: Sizes.
        channels: Of what is normed.
        stride: Patches a side for one of what is normed; the first of them counts.
    """

    def __init__(self, config: GescoConfig, channels: int, stride: int) -> None:
        super().__init__()
        self.stride, inner = stride, config.spade_width
        self.norm = nn.GroupNorm(config.norm_groups, channels, affine=False)
        self.mlp_shared = nn.Sequential(nn.Conv2d(config.maps * config.patch**2, inner, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(inner, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(inner, channels, 3, padding=1)

    def scale_and_shift(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Of each channel and pixel."""
        inner = self.mlp_shared(maps[..., :: self.stride, :: self.stride])
        return 1 + self.mlp_gamma(inner), self.mlp_beta(inner)

    def forward(self, x: Tensor, scale_and_shift: tuple[Tensor, Tensor]) -> Tensor:
        """Norm, scale and shift."""
        scale, shift = scale_and_shift
        normed: Tensor = self.norm(x)
        return normed * scale + shift


class _Residual(nn.Module):
    """A residual block; the maps reach it where it has a ``spade_stride``, that of its input."""

    def __init__(
        self,
        config: GescoConfig,
        channels: int,
        out: int,
        *,
        spade_stride: int | None = None,
        resampling: Resampling = "none",
    ) -> None:
        super().__init__()
        self.resampling: Resampling = resampling
        convolution = nn.Conv2d(channels, out, 3, padding=1)
        last, nothing = _silent(nn.Conv2d(out, out, 3, padding=1)), nn.Identity()  # the public code may drop out here
        self.in_norm: SpadeNorm | None = None
        self.out_norm: SpadeNorm | None = None
        if spade_stride is None:
            norms = (nn.GroupNorm(config.norm_groups, size) for size in (channels, out))
            self.in_layers = nn.Sequential(next(norms), nn.SiLU(), convolution)
            self.out_layers = nn.Sequential(next(norms), nn.SiLU(), nothing, last)
        else:
            self.in_norm = SpadeNorm(config, channels, spade_stride)
            self.out_norm = SpadeNorm(config, out, spade_stride // 2 if resampling == "up" else spade_stride)
            self.in_layers = nn.Sequential(nn.SiLU(), convolution)
            self.out_layers = nn.Sequential(nn.SiLU(), nothing, last)
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(4 * config.width, 2 * out))
        self.skip_connection = nn.Identity() if out == channels else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, embedding: Tensor, norms: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        h = x if self.in_norm is None else self.in_norm(x, next(norms))
        h = self.in_layers[-1](self._resampled(self.in_layers[:-1](h)))
        scale, shift = self.emb_layers(embedding)[..., None, None].chunk(2, 1)
        if self.out_norm is None:
            h, rest = self.out_layers[0](h), self.out_layers[1:]
        else:
            h, rest = self.out_norm(h, next(norms)), self.out_layers
        added: Tensor = self.skip_connection(self._resampled(x)) + rest(h * (1 + scale) + shift)
        return added

    def _resampled(self, x: Tensor) -> Tensor:
        if self.resampling == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest") if self.resampling == "up" else x


class _Attention(nn.Module):
    """All pixels attend to each other; query, key and value of one head lie together."""

    def __init__(self, config: GescoConfig, channels: int) -> None:
        super().__init__()
        self.head_width = min(config.head_width, channels)
        self.norm = nn.GroupNorm(config.norm_groups, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = _silent(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)  # [b, c, h w]
        heads = self.qkv(self.norm(flat)).unflatten(1, (-1, 3, self.head_width))  # [b, heads, 3, head width, h w]
        query, key, value = heads.transpose(3, 4).unbind(2)
        attended = F.scaled_dot_product_attention(query, key, value).transpose(2, 3).flatten(1, 2)
        added: Tensor = (flat + self.proj_out(attended)).view_as(x)
        return added


def _through(block: Any, x: Tensor, embedding: Tensor, norms: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
    for layer in block:
        x = layer(x, embedding, norms) if isinstance(layer, _Residual) else layer(x)
    return x


def _embedding(level: Tensor, width: int) -> Tensor:
    """Cosines and sines of the level at ``width / 2`` frequencies, from 1 down to about 1/10000."""
    half = width // 2
    rates = torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(half) / half).to(level.device)
    phases = level[:, None].float() * rates
    return torch.cat([phases.cos(), phases.sin()], 1)


def _silent(layer: nn.Conv1d | nn.Conv2d) -> nn.Conv1d | nn.Conv2d:
    """A layer that gives nothing before it has learnt."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
