"""A discriminator of patches, and the losses of both sides: pictures are to look as photographs do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ..config import Config

__all__ = ["REDUCED", "SPARE", "Adversarial", "Discriminator", "Sides", "cut_alike", "detail_levels", "sides"]

REDUCED = 8  # side of the blocks whose mean colours and levels of detail it is told
SPARE = 8  # rows and columns of a crop that it does not see
BANDS = 2  # sizes at which it is told how much detail there is


class Adversarial(Config):
    """An adversarial loss and the discriminator that makes it."""

    widths: tuple[int, ...] = Field(
        default=(32, 64, 128, 256), min_length=1, description="Channels of the layers, each of half the size."
    )
    contrast: float = Field(
        default=8.0, gt=0, description="Gain of the picture less its mean colours, before the first layer."
    )
    weight: float = Field(default=1.0, ge=0, description="Of the loss that the decoder has of it.")
    learning_rate: float = Field(default=2e-4, gt=0, description="Of the discriminator.")


class Sides(NamedTuple):
    """Losses of one batch, each a number."""

    generator: Tensor  # small where the discriminator takes decoded pictures for photographs; it learns nothing by it
    discriminator: Tensor  # small where it tells them apart; the decoder learns nothing by it


class Discriminator(nn.Module):
    """Says of each patch of a picture whether it is of a photograph, being told the photograph's mean colours.

    It sees the picture less those colours, and beside it `detail_levels`, as layers find levels late by themselves.

    Args:
        widths: Channels of the layers.
        contrast: Gain of the picture less the colours: layers of a bounded norm hardly hear it otherwise.

    Input:   pictures ``[b, 3, h, w]`` in [0, 1], and the photographs that they are of or should be; sides of multiples
             of ``2 ** len(widths)`` and of 8.
    Output:  logits ``[b, 1, h', w']``, positive for a photograph; h' and w' about a ``2 ** len(widths)``-th.
    Source:  Mentzer et al., High-fidelity generative image compression, NeurIPS 2020: convolutions of side 4, spectral
             norm; there the condition is the coded latent, and here mean colours, which every rate and SNR has, and no
             levels are told.
    """

    def __init__(self, widths: tuple[int, ...], contrast: float) -> None:
        super().__init__()
        self.contrast = contrast
        layers: list[nn.Module] = []
        for inputs, outputs in zip((6 + BANDS, *widths), widths, strict=False):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1)))

    def forward(self, pictures: Tensor, photographs: Tensor) -> Tensor:
        """Logits."""
        told = _spread(F.avg_pool2d(photographs, REDUCED))
        seen = (pictures - told) * self.contrast, told * 2 - 1, _spread(detail_levels(pictures))
        out: Tensor = self.layers(torch.cat(seen, 1))
        return out


def detail_levels(pictures: Tensor) -> Tensor:
    r"""How much fine detail each block of 8 x 8 pixels has, as it is and halved in size: ``[b, 2, h / 8, w / 8]``.

    .. math:: l = \tfrac12 \ln(E[d^2] + 10^{-4}) + 3, \quad d = g - \bar g

    g is the mean of the colours of ``[b, 3, h, w]`` in [0, 1], and g bar its mean over 3 x 3. l is near 0 in textures.
    """
    grey, levels = pictures.mean(1, keepdim=True), []
    for halvings in range(BANDS):
        detail = grey - F.avg_pool2d(grey, 3, 1, 1, count_include_pad=False)
        levels.append(0.5 * torch.log(F.avg_pool2d(detail.square(), REDUCED >> halvings) + 1e-4) + 3)
        grey = F.avg_pool2d(grey, 2)
    return torch.cat(levels, 1)


def _spread(values: Tensor) -> Tensor:
    """Of blocks, smoothly over their pixels: edges of blocks would hide those that a decoder leaves."""
    return F.interpolate(values, scale_factor=float(REDUCED), mode="bilinear")


def cut_alike(*pictures: Tensor, rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Pictures ``[b, 3, h, w]`` of one shape less 8 rows and columns, all cut at the same place, drawn anew.

    So no grid of a decoder lies on the discriminator's own, where its edges could not be seen.
    """
    top, left = rng.integers(0, SPARE + 1, 2)
    height, width = (side - SPARE for side in pictures[0].shape[2:])
    return tuple(one[..., top : top + height, left : left + width] for one in pictures)


def sides(discriminator: Discriminator, pictures: Tensor, photographs: Tensor) -> Sides:
    r"""Losses of decoded pictures and of the discriminator that judges them.

    .. math:: L_G = E[-\log \sigma(D(\hat{x}))], \quad L_D = E[-\log \sigma(D(x))] + E[-\log(1 - \sigma(D(\hat{x})))]

    Both may be summed and differentiated at once: neither has a gradient in the other's parameters.

    Args:
        discriminator: That judges.
        pictures: Decoded ones ``[b, 3, h, w]``.
        photographs: What they should be, of the same shape.

    Source:  Goodfellow et al., Generative adversarial nets, NeurIPS 2014 (the loss that does not saturate).
    """
    learning = [parameter for parameter in discriminator.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad = False
    judged = discriminator(pictures, photographs)
    for parameter in learning:
        parameter.requires_grad = True
    made, real = (discriminator(one.detach(), photographs) for one in (pictures, photographs))
    return Sides(F.softplus(-judged).mean(), F.softplus(made).mean() + F.softplus(-real).mean())
