"""A weight of the loss at each noise level that follows the loss itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..training.running_mean import followed

__all__ = ["AdaptiveLossWeight"]


class AdaptiveLossWeight(nn.Module):
    r"""Divides the loss at a noise level by what it has lately been there.

    .. math:: w(\mathrm{logSNR}) = \frac{1}{\bar L_{b}}, \quad \bar L_b \leftarrow 0.99\, \bar L_b + 0.01\, L, \quad
        b = \text{bucket of logSNR}

    300 buckets over logSNR -10 to 10 (natural logarithm). All start at 1; the weight stays below 1e4.

    Source: Stability-AI/StableCascade, gdf/loss_weights.py.
    """

    edges: Tensor
    losses: Tensor

    def __init__(self, buckets: int = 300, bounds: tuple[float, float] = (-10.0, 10.0), decay: float = 0.99) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("edges", torch.linspace(*bounds, buckets - 1), persistent=False)
        self.register_buffer("losses", torch.ones(buckets))

    def forward(self, log_snr: Tensor) -> Tensor:
        """Weights ``[b]`` for these levels ``[b]``."""
        return 1 / self.losses[torch.searchsorted(self.edges, log_snr)].clamp(min=1e-4)

    @torch.no_grad()
    def follow(self, log_snr: Tensor, loss: Tensor) -> None:
        """Take note of losses ``[b]``, without their weights; of none that is not finite, which would stay for ever."""
        which = torch.searchsorted(self.edges, log_snr)
        if loss.device.type != "cpu":
            self.losses.copy_(followed(self.losses, which, loss, 1 - self.decay))
            return
        for index, value in zip(which.tolist(), loss.tolist(), strict=True):
            if not math.isfinite(value):
                continue
            self.losses[index] += (1 - self.decay) * (value - self.losses[index])
