"""Entropy models: what the latents would cost if they were quantised and coded; nothing is."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["FactorisedPrior", "gaussian_bits", "quantised"]

LEAST_LIKELIHOOD = 1e-9
LEAST_SCALE = 0.1


class _AtLeast(torch.autograd.Function):
    """Clamp from below whose gradient passes where it leads up: what has fallen under the bound can come back."""

    @staticmethod
    def forward(context: Any, x: Tensor, bound: float) -> Tensor:
        context.save_for_backward(x)
        context.bound = bound
        return x.clamp(min=bound)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = context.saved_tensors
        return gradient * ((x >= context.bound) | (gradient < 0)), None


def quantised(y: Tensor, mean: Tensor | float, generator: torch.Generator | None) -> Tensor:
    """Uniform noise in [-1/2, 1/2) while training (a generator is given), else rounding about the mean."""
    if generator is not None:
        return y + (torch.rand(y.shape, generator=generator, device=generator.device).to(y) - 0.5)
    return torch.round(y - mean) + mean


def gaussian_bits(y: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    r"""Information of quantised values under a Gaussian convolved with a unit uniform, in bits.

    .. math:: -\log_2\left[\Phi\left(\frac{1/2 - |y - \mu|}{\sigma}\right)
              - \Phi\left(\frac{-1/2 - |y - \mu|}{\sigma}\right)\right]

    Args:
        y: Quantised latents.
        mean: Of the same shape.
        scale: Of the same shape; at least 0.1 is taken.

    Output:  bits, at most 29.9 a value; beyond that the gradient is the one of the Gaussian's tail.
    Source:  Balle et al., Variational image compression with a scale hyperprior, ICLR 2018.
    """
    learns = torch.is_grad_enabled() and (scale.requires_grad or y.requires_grad)
    if learns:
        scale = _AtLeast.apply(scale, LEAST_SCALE)  # type: ignore[no-untyped-call]
    else:
        scale = scale.clamp(min=LEAST_SCALE)
    away = (y - mean).abs()
    upper = torch.erfc((away - 0.5) / (scale * math.sqrt(2)))  # both in the tail that keeps its digits
    lower = torch.erfc((away + 0.5) / (scale * math.sqrt(2)))
    likelihood = 0.5 * (upper - lower)
    bits = -torch.log2(likelihood.clamp(min=LEAST_LIKELIHOOD))
    if learns:
        tail = ((away - 0.5) / scale).square() * (0.5 / math.log(2))
        bits = bits + torch.where(likelihood < LEAST_LIKELIHOOD, tail - tail.detach(), 0.0)
    return bits


class FactorisedPrior(nn.Module):
    """A density for each channel of z, with a cumulative that a small monotone network gives.

    Args:
        channels: Of z.
        widths: Of the hidden layers.
        spread: Width of the density before training.

    Input:   z ``[b, channels, ...]``, quantised or with noise.
    Output:  bits of each value, the same shape.
    Source:  Balle et al., ICLR 2018, appendix 6.1.
    """

    def __init__(self, channels: int, widths: tuple[int, ...] = (3, 3, 3), spread: float = 10.0) -> None:
        super().__init__()
        sizes = (1, *widths, 1)
        scale = spread ** (1 / (len(widths) + 1))
        self.matrices, self.biases, self.factors = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for inner, outer in itertools.pairwise(sizes):
            start = math.log(math.expm1(1 / scale / outer))
            self.matrices.append(nn.Parameter(torch.full((channels, outer, inner), start)))
            self.biases.append(nn.Parameter(torch.rand(channels, outer, 1) - 0.5))
        for outer in widths:
            self.factors.append(nn.Parameter(torch.zeros(channels, outer, 1)))

    def _logits(self, rows: Tensor) -> Tensor:
        for index, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            rows = F.softplus(matrix) @ rows + bias
            if index < len(self.factors):
                rows = rows + torch.tanh(self.factors[index]) * torch.tanh(rows)
        return rows

    def forward(self, z: Tensor) -> Tensor:
        """Bits of each value."""
        rows = z.transpose(0, 1).reshape(z.shape[1], 1, -1)  # [channels, 1, values]
        lower, upper = self._logits(rows - 0.5), self._logits(rows + 0.5)
        sign = -torch.sign(lower + upper).detach()  # evaluate where the sigmoid keeps its digits
        likelihood = (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs().clamp(min=LEAST_LIKELIHOOD)
        bits: Tensor = -torch.log2(likelihood).reshape(z.transpose(0, 1).shape).transpose(0, 1)
        return bits
