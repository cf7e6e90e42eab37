"""What a denoiser makes of noisy residuals at drawn noise levels: the forward half of a diffusion's training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..training.batch import Batch
from .config import DenoisingRecipe
from .diffusion import STEPS, alpha_bars, loss_weight

__all__ = ["NoiseLevels", "denoised"]


class NoiseLevels(NamedTuple):
    """Of the diffusion, each ``[STEPS]``."""

    alpha_bar: Tensor
    weight: Tensor  # of the loss

    @classmethod
    def of(cls, recipe: DenoisingRecipe, device: torch.device) -> NoiseLevels:
        """Those of a recipe."""
        share = alpha_bars()
        tables = (share, loss_weight(share, *recipe.weight_bounds))
        return cls(*(torch.from_numpy(table).float().to(device) for table in tables))


def denoised(
    denoise: Callable[[Tensor, Tensor], Tensor],
    batch: Batch[Any],
    noise: NoiseLevels,
    recipe: DenoisingRecipe,
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
        recipe: Of the training.
        images: ``[b, 3, H, W]`` in [0, 1].
        estimate: What residuals are added to, of the same shape.
        spread: Expected error of each pixel ``[b, 1, H, W]``, or of each picture ``[b, 1, 1, 1]``.
    """
    size, rng = batch.size, batch.rng
    spread, model = spread.detach(), recipe.model
    target = ((images - estimate.detach()) / spread).clamp(-model.clip, model.clip)
    draw = rng.random(size)
    ends = (draw < recipe.end_share) | (model.objective == "regression")
    levels = batch.put(np.where(ends, STEPS - 1, rng.integers(0, STEPS, size)))
    share = noise.alpha_bar[levels][:, None, None, None]
    drawn = batch.normal(images.shape)
    start = model.start_noise * drawn  # as the sampler starts
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
