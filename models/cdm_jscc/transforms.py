"""Nonlinear transforms: picture to latents, latents to the hyperprior and back, latents to context for the U-Net."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .entropy import FactorisedPrior, gaussian_bits, quantised
from .kept import KeptBlock, KeptConv, KeptJoin

__all__ = ["Analysis", "ChannelNorm", "ContextPyramid", "Entropy", "Hyperprior", "ResnetBlock"]


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


class Analysis(nn.Module):
    """g_a: picture ``[b, 3, h, w]`` in [-1, 1] to latents y ``[b, widths[-1], h / 16, w / 16]``."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(zip((3, *widths[:-1]), widths, strict=True)):
            layers.append(ResnetBlock(inputs, outputs, side=7 if index == 0 else 3))
            layers.append(nn.Conv2d(outputs, outputs, 3, stride=2, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Latents."""
        out: Tensor = self.layers(images)
        return out


class ContextPyramid(nn.Module):
    """g_s: latents to features at 1/8, 1/4, 1/2 and the whole of the picture's size, given back finest first."""

    def __init__(self, widths: tuple[int, int, int, int], last: int) -> None:
        super().__init__()
        self.widths = (*reversed(widths[:-1]), last)
        self.blocks = nn.ModuleList()
        for inputs, outputs in zip(reversed(widths), self.widths, strict=True):
            self.blocks.append(
                nn.ModuleList([ResnetBlock(inputs, outputs), nn.ConvTranspose2d(outputs, outputs, 4, 2, 1)])
            )

    def forward(self, latents: Tensor) -> tuple[Tensor, ...]:
        """Four tensors, finest first."""
        x, out = latents, []
        for pair in self.blocks:
            for layer in pair:  # type: ignore[attr-defined]
                x = layer(x)
            out.append(x)
        return tuple(reversed(out))


class Entropy(NamedTuple):
    """What a picture's latents would cost."""

    patch_bits: Tensor  # [b, h, w]: of y
    side_bits: Tensor  # [b]: of z
    y: Tensor  # quantised, or with noise


class Hyperprior(nn.Module):
    """Mean and scale of each latent from a coarse z, which itself is priced by a factorised prior.

    Args:
        channels: Of y.
        width: Of z and the layers between.
        magnitudes: Look at log(1 + |y|) instead of y: for latents of very unequal scale.

    Source:  Balle et al., ICLR 2018, with means as in Minnen et al., NeurIPS 2018.
    """

    def __init__(self, channels: int, width: int, *, magnitudes: bool = False) -> None:
        super().__init__()
        self.magnitudes = magnitudes
        self.down = nn.Sequential(
            nn.Conv2d(channels, width, 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 5, 2, 2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 5, 2, 2),
        )
        self.up = nn.Sequential(
            nn.ConvTranspose2d(width, width, 5, 2, 2, 1),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(width, width, 5, 2, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * channels, 3, 1, 1),
        )
        self.prior = FactorisedPrior(width)

    def forward(self, y: Tensor, generator: torch.Generator | None = None) -> Entropy:
        """Price ``y`` ``[b, channels, h, w]``; with a generator, noise stands for rounding.

        In full precision: bits come from differences of half a quantiser step, at values of many steps.
        """
        with torch.autocast(y.device.type, enabled=False):
            return self._priced(y.float(), generator)

    def _priced(self, y: Tensor, generator: torch.Generator | None) -> Entropy:
        mean, scale, side_bits = self.predicted(y, generator)
        rounded = quantised(y, mean, generator)
        bits = gaussian_bits(rounded, mean, scale).clamp(min=0)
        return Entropy(bits.sum(1), side_bits, rounded)

    def predicted(self, y: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and scale of each latent, of the shape of ``y``, and what telling them would cost in bits ``[b]``."""
        height, width = y.shape[2:]
        padded = F.pad(y, (0, -width % 4, 0, -height % 4), mode="replicate")
        z = self.down(torch.log1p(padded.abs()) if self.magnitudes else padded)
        z = quantised(z, 0.0, generator)
        mean, scale = self.up(z)[:, :, :height, :width].chunk(2, 1)
        if self.magnitudes:
            scale = F.softplus(scale).exp() - 1  # spans the decades that the magnitudes do
        return mean, scale, self.prior(z).flatten(1).sum(1)
