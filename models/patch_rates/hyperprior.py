"""What latents would cost, by a hyperprior that is not sent."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .entropy import FactorisedPrior, gaussian_bits, quantised

__all__ = ["Entropy", "Hyperprior"]


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
