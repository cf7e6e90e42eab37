"""Variances of a patch's components by its level, from training pictures."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from .allocation import levels_for
from .rate_map import ETAS, LEVELS

__all__ = ["log_level_variances"]


@torch.no_grad()
def log_level_variances(looks: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Natural logarithm of the variance of each component of patches of each level, at each eta, on the CPU.

    Levels that few patches have lean on their neighbours.

    Args:
        looks: Components ``[b, 256, h, w]`` and entropies ``[b, h, w]`` in bits of training pictures.

    Output:  float32 ``[16 etas, 16 levels, 256]``.
    """
    total, weight = torch.zeros(len(ETAS), len(LEVELS), LEVELS[-1]), torch.zeros(len(ETAS), len(LEVELS))
    for components, patch_bits in looks:
        squares, bits = components.square().flatten(2).transpose(1, 2).flatten(0, 1).cpu(), patch_bits.cpu()
        for index, eta in enumerate(ETAS):
            levels = levels_for(bits, torch.full((bits.shape[0],), eta)).flatten()
            total[index].index_add_(0, levels, squares)  # [patches, 256]
            weight[index] += torch.bincount(levels, minlength=len(LEVELS))
    overall = total.sum(1) / weight.sum(1).clamp(min=1)[:, None]  # [etas, 256]
    for _ in range(4):  # borrow from the levels beside
        poor = (weight < 200).float()[..., None]
        beside = F.pad(total, (0, 0, 1, 1))[:, 2:] + F.pad(total, (0, 0, 1, 1))[:, :-2]
        many = F.pad(weight, (1, 1))[:, 2:] + F.pad(weight, (1, 1))[:, :-2]
        total, weight = total + poor * 0.25 * beside, weight + poor[..., 0] * 0.25 * many
    mean = (total + 5 * overall[:, None]) / (weight + 5)[..., None]
    return mean.clamp(min=1e-9).log()
