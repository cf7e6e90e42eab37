r"""A denoiser that learns to go in one step where its teacher goes in many.

Both begin with a noisy latent at the same level; the student learns the clean latent that the teacher's sampling
reaches. What is sampled is a function of where it begins, so that the student loses no detail to a mean.

Source: Luhman & Luhman, Knowledge distillation in iterative generative models for improved sampling speed, 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..training.to_device import to_device
from .network import LatentDiffusion
from .schedule import alpha_bar, noise_to_signal

__all__ = ["distance", "in_one", "taught"]


@torch.no_grad()
def taught(teacher: LatentDiffusion, latents: Tensor, levels: Tensor, steps: int) -> Tensor:
    """Where the teacher's sampling ends.

    Args:
        teacher: The network.
        latents: Noisy ones ``[b, c, h, w]``.
        levels: Theirs, ``[b]``, which the host holds.
        steps: Of DDIM, evenly down to level 0.
    """
    for step in range(steps):
        now, then = (levels * (1 - number / steps) for number in (step, step + 1))
        latents = _moved(teacher, latents, now, then)
    return latents


def in_one(student: LatentDiffusion, latents: Tensor, levels: Tensor) -> Tensor:
    """Where one step of the student leads; see `taught`."""
    return _moved(student, latents, levels, torch.zeros_like(levels))


def distance(one: Tensor, other: Tensor, levels: Tensor) -> Tensor:
    """Mean squared distance of clean latents, over what a linear estimate at their levels would err."""
    ratios = to_device(torch.tensor([noise_to_signal(float(level)) for level in levels]), one.device)
    return ((one - other).square().flatten(1).mean(1) * (1 + ratios) / ratios).mean()


def _moved(network: LatentDiffusion, latents: Tensor, now: Tensor, then: Tensor) -> Tensor:
    epsilon = network.epsilon(latents, to_device(now, latents.device)).float()
    share, other = (to_device(_shares(levels), latents.device) for levels in (now, then))
    clean = (latents - (1 - share).sqrt() * epsilon) / share.sqrt()
    return other.sqrt() * clean + (1 - other).sqrt() * epsilon


def _shares(levels: Tensor) -> Tensor:
    return torch.tensor([alpha_bar(float(level)) for level in levels])[:, None, None, None]
