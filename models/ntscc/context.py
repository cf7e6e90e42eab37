"""The entropy model: mean and scale of each latent from a hyperprior and from latents that are priced before it.

Source: Minnen et al., Joint autoregressive and hierarchical priors, NeurIPS 2018; He et al., Checkerboard context model
for efficient learned image compression, CVPR 2021; Minnen & Singh, Channel-wise autoregressive entropy models, ICIP
2020. NTSCC+ (Wang et al., IEEE JSTSP 2023) takes rates from such a model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..patch_rates.entropy import gaussian_bits, quantised
from ..patch_rates.hyperprior import Entropy, Hyperprior
from ..patch_rates.rate_map import LEVELS
from .config import NtsccConfig

__all__ = ["ContextPrior", "anchors"]

SLICES = (32, 64, 128)  # where the latents of a patch are cut: the strongest are few
_REACH = 3.0  # of a correction, in the logarithm of scales


def anchors(y: Tensor) -> Tensor:
    """1 where row plus column is even, else 0: ``[1, 1, h, w]`` for ``y`` of ``[b, c, h, w]``."""
    rows, columns = (torch.arange(size, device=y.device) for size in y.shape[2:])
    return (1 - (rows[:, None] + columns) % 2).to(y.dtype)[None, None]


class _Look(nn.Sequential):
    """Corrections of means, in scales, and of scales' logarithms; none before training."""

    def __init__(self, inputs: int, hidden: int, outputs: int, side: int) -> None:
        leave = nn.Conv2d(hidden, 2 * outputs, 1)
        nn.init.zeros_(leave.weight)
        nn.init.zeros_(leave.bias)  # type: ignore[arg-type]
        super().__init__(nn.Conv2d(inputs, hidden, side, padding=side // 2), nn.GELU(), leave)


class ContextPrior(nn.Module):
    """What the latents of a picture would cost, patch by patch.

    ``checkerboard``: patches of even row plus column are priced by the hyperprior alone, the others by their neighbours
    too. ``channels``: of each patch the strongest 32 latents are priced first, the next 32 by them, then 64, then 128,
    each with what its neighbours' slices before it say. Both need nothing that a decoder would not have by then.

    Args:
        config: Sizes.
    """

    def __init__(self, config: NtsccConfig) -> None:
        super().__init__()
        self.context = config.context
        self.hyper = Hyperprior(LEVELS[-1], config.hyper_width, magnitudes=True)
        hidden, count = config.context_width, LEVELS[-1]
        self.looks = nn.ModuleList()
        if config.context == "checkerboard":
            self.looks.append(_Look(count, hidden, count, 5))
        elif config.context == "channels":
            for begin, end in zip(SLICES, (*SLICES[1:], count), strict=True):
                self.looks.append(_Look(begin, hidden, end - begin, 3))

    def forward(self, y: Tensor, generator: torch.Generator | None = None) -> Entropy:
        """Price ``y`` ``[b, 256, h, w]``; with a generator, noise stands for rounding. In full precision."""
        with torch.autocast(y.device.type, enabled=False):
            return self._priced(y.float(), generator)

    def _priced(self, y: Tensor, generator: torch.Generator | None) -> Entropy:
        mean, scale, side_bits = self.hyper.predicted(y, generator)
        if self.context == "checkerboard":
            first = anchors(y)
            known = quantised(y, mean, generator) * first
            mean, scale = _corrected(mean, scale, self.looks[0](torch.asinh(known)) * (1 - first))
        elif self.context == "channels":
            bounds = (*SLICES, y.shape[1])
            means, scales = [mean[:, : SLICES[0]]], [scale[:, : SLICES[0]]]
            for look, begin, end in zip(self.looks, bounds[:-1], bounds[1:], strict=True):
                known = quantised(y[:, :begin], torch.cat(means, 1), generator)
                better = _corrected(mean[:, begin:end], scale[:, begin:end], look(torch.asinh(known)))
                means.append(better[0])
                scales.append(better[1])
            mean, scale = torch.cat(means, 1), torch.cat(scales, 1)
        rounded = quantised(y, mean, generator)
        return Entropy(gaussian_bits(rounded, mean, scale).clamp(min=0).sum(1), side_bits, rounded)


def _corrected(mean: Tensor, scale: Tensor, correction: Tensor) -> tuple[Tensor, Tensor]:
    shift, stretch = correction.chunk(2, 1)
    return mean + scale * shift, scale * torch.exp(stretch.clamp(-_REACH, _REACH))
