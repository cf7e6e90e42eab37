"""What a denoiser makes of noisy residuals at drawn noise levels: the forward half of a diffusion's training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ..objective import Objective
from ..training.batch import Batch
from .diffusion import STEPS, alpha_bars, loss_weight

__all__ = ["Draws", "NoiseLevels", "Residuals", "denoised"]


class Residuals(Protocol):
    """What a network's configuration says of the residuals that it predicts."""

    @property
    def clip(self) -> float:
        """Bound of a residual, in units of the expected error."""

    @property
    def start_noise(self) -> float:
        """Standard deviation of the sampler's start."""

    @property
    def objective(self) -> Objective:
        """What it learns by."""


class Draws(Protocol):
    """What a recipe says of noise levels."""

    @property
    def end_share(self) -> float:
        """Share of samples drawn at t = T."""

    @property
    def own_share(self) -> float:
        """Share of samples whose noisy residual is made of the network's own first prediction."""

    @property
    def weight_bounds(self) -> tuple[float, float]:
        """Bounds of the SNR weight of the loss."""


class NoiseLevels(NamedTuple):
    """Of the diffusion, each ``[STEPS]``."""

    alpha_bar: Tensor
    weight: Tensor  # of the loss

    @classmethod
    def of(cls, recipe: Draws, device: torch.device) -> NoiseLevels:
        """Those of a recipe."""
        share = alpha_bars()
        tables = (share, loss_weight(share, *recipe.weight_bounds))
        return cls(*(torch.from_numpy(table).float().to(device) for table in tables))


def denoised(
    denoise: Callable[[Tensor, Tensor], Tensor],
    batch: Batch[Any],
    noise: NoiseLevels,
    residuals: Residuals,
    recipe: Draws,
    *,
    images: Tensor,
    estimate: Tensor,
    spread: Tensor,
) -> tuple[Tensor, Tensor]:
    """Predict pictures from noisy ones at drawn noise levels, in a regression from none at all; the weight of each.

    Args:
        denoise: Noisy residual ``[b, 3, H, W]`` and time ``[b]`` to the clean residual, in units of the expected error.
        batch: Draws.
        noise: Levels.
        residuals: Of the network's configuration.
        recipe: Of the training.
        images: ``[b, 3, H, W]`` in [0, 1].
        estimate: What residuals are added to, of the same shape.
        spread: Expected error of each pixel ``[b, 1, H, W]``, or of each picture ``[b, 1, 1, 1]``.
    """
    size, rng = batch.size, batch.rng
    spread = spread.detach()
    target = ((images - estimate.detach()) / spread).clamp(-residuals.clip, residuals.clip)
    draw = rng.random(size)
    ends = (draw < recipe.end_share) | (residuals.objective == "regression")
    levels = batch.put(np.where(ends, STEPS - 1, rng.integers(0, STEPS, size)))
    share = noise.alpha_bar[levels][:, None, None, None]
    drawn = batch.normal(images.shape)
    start = residuals.start_noise * drawn  # as the sampler starts
    noisy = share.sqrt() * target + (1 - share).sqrt() * drawn
    weight = noise.weight[levels]
    has_own = (draw >= recipe.end_share) & (draw < recipe.end_share + recipe.own_share)
    if has_own.any():  # what a sampler has at this level: its own first prediction, which knows no more than it did
        with torch.no_grad():
            first = denoise(start, torch.ones(size, device=images.device))
        own = batch.put(has_own)
        noisy = torch.where(own[:, None, None, None], share.sqrt() * first + (1 - share).sqrt() * start, noisy)
        weight = torch.where(own, noise.weight[-1], weight)
    noisy = torch.where((levels == STEPS - 1)[:, None, None, None], start, noisy)
    return estimate + spread * denoise(noisy, levels.float() / (STEPS - 1)), weight
