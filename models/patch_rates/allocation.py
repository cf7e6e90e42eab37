"""Rates for patches, and power for what they send."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from .rate_map import ETAS, LEVELS
from .told import Told

__all__ = [
    "allot_power_to_levels",
    "counts_on",
    "levels_for",
    "nearest_eta_index",
    "sent_mask",
    "shares_of",
]

_COUNTS = torch.tensor(LEVELS)


def counts_on(device: torch.device) -> Tensor:
    """How many values a patch of each level sends, int64 ``[16]``; on a GPU from the first call on."""
    return _COUNTS if device.type == "cpu" else _copied(_COUNTS, device)


@cache
def _copied(table: Tensor, device: torch.device) -> Tensor:
    return table.to(device)


def levels_for(patch_bits: Tensor, eta: Tensor) -> Tensor:
    """Level of each patch, as `rate_map.levels_for`: entropies ``[b, h, w]`` and eta ``[b]`` to int64 ``[b, h, w]``."""
    targets = counts_on(patch_bits.device).float()
    found = torch.searchsorted(targets, (patch_bits.float() * eta[:, None, None]).contiguous())
    return found.clamp(max=len(LEVELS) - 1)


def sent_mask(levels: Tensor) -> Tensor:
    """Which ranks of each patch are sent: levels ``[b, n]`` to float ``[b, n, 256]`` of 0 and 1."""
    counts = counts_on(levels.device)[levels]
    return (torch.arange(LEVELS[-1], device=levels.device) < counts[..., None]).float()


def allot_power_to_levels(variance: Tensor, levels: Tensor, n0: Tensor) -> Tensor:
    r"""Share unit mean power among all components of all patches so that the LMMSE receiver's error is least.

    .. math:: p_{lj} = \sigma^2 \max(0,\; c \sqrt{\lambda_{lj}} - 1), \quad
              \sum_l N_l \sum_{j \le k_l} p_{lj} = \sum_l N_l k_l

    Patches of one level share their variances, so that the rate map tells the receiver all of it.

    Args:
        variance: ``[b, 16, 256]`` of the components of a patch of each level.
        levels: ``[b, n]`` level of each patch.
        n0: ``[b]`` noise variance per real component at unit mean power per real component.

    Output:  ``[b, 16, 256]`` powers; of mean one over what is sent.
    Source:  Lee & Petersen, Optimal linear coding for vector channels, IEEE Trans. Commun. 24 (1976).
    """
    ranks = torch.arange(LEVELS[-1], device=variance.device)
    patches = (levels[:, None] == torch.arange(len(LEVELS), device=levels.device)[:, None]).sum(2)  # [b, 16]
    weight = patches[..., None] * (ranks < counts_on(variance.device)[:, None]).float()
    root = variance.sqrt()
    noise = n0[:, None, None]
    total = weight.sum((1, 2))
    low = torch.full_like(n0, -12.0)  # of log2 c: the mean power rises with c
    high = torch.full_like(n0, 36.0)
    for _ in range(40):
        middle = (low + high) / 2
        power = noise * (torch.exp2(middle)[:, None, None] * root - 1).clamp(min=0)
        enough = (weight * power).sum((1, 2)) > total
        low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
    power = noise * (torch.exp2(high)[:, None, None] * root - 1).clamp(min=0)
    return power * (total / (weight * power).sum((1, 2)).clamp(min=1e-12))[:, None, None]


def shares_of(log_variance: Tensor, told: Told) -> tuple[Tensor, Tensor]:
    """Variance and power of every component of every patch, ``[b, n, 256]`` each.

    Args:
        log_variance: ``[16 etas, 16 levels, 256]`` of the components, by the natural logarithm.
        told: What the header says.
    """
    levels = told.levels.flatten(1)
    variance = log_variance[told.eta_index].exp()  # [b, 16, 256]
    power = allot_power_to_levels(variance, levels, 10 ** (-told.esn0_db / 10))
    frames = torch.arange(levels.shape[0], device=levels.device)[:, None]
    return variance[frames, levels], power[frames, levels]


def nearest_eta_index(eta: Tensor) -> Tensor:
    """`rate_map.eta_index` of a batch."""
    grid = torch.from_numpy(np.log(np.asarray(ETAS))).to(eta, non_blocking=True)
    return (eta.log()[:, None] - grid).abs().argmin(1)
