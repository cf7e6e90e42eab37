"""Generalised divisive normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Gdn"]


class Gdn(nn.Module):
    r"""Divide each channel by a learned norm of all channels, or multiply with it.

    .. math:: y_i = x_i \left(\beta_i + \sum_j \gamma_{ij} x_j^2\right)^{\mp 1/2}

    Args:
        channels: How many.
        inverse: Multiply (IGDN, in decoders).

    Input:   ``[b, channels, h, w]``.
    Output:  the same shape.
    Source:  Balle, Laparra & Simoncelli, Density modeling of images using a generalized normalization transformation,
             ICLR 2016. Beta and gamma are kept positive as squares of what is learned.
    """

    def __init__(self, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.root_beta = nn.Parameter(torch.ones(channels))
        self.root_gamma = nn.Parameter((0.1 * torch.eye(channels) + 1e-4).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        norm = F.conv2d(x * x, self.root_gamma.square()[..., None, None], self.root_beta.square() + 1e-6)
        return x * norm.sqrt() if self.inverse else x * norm.rsqrt()
