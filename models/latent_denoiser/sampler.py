"""From what was received to clean latents, in so many steps. Arrays of numpy or of torch; needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from ...sim.side_information.latent_mode import STEPS
from ..latent_diffusion.ddim import move
from ..latent_diffusion.schedule import alpha_bar, level_of_step

__all__ = ["denoise", "levels_of"]

A = TypeVar("A", bound=Any)


def levels_of(steps: int) -> tuple[int, ...]:
    """Levels of so many steps, the noisiest first: the last of the grid of 50, and others evenly below it.

    Example:
        >>> levels_of(1), levels_of(4)
        ((981,), (981, 741, 481, 221))
    """
    return tuple(level_of_step(round(step)) for step in np.linspace(STEPS, 0, steps, endpoint=False))


def denoise(estimate: Callable[[A, float], A], linear: A, drawn: A, steps: int) -> A:
    """Draw clean latents as the denoiser knows them to be, given what was received; with one step: their mean.

    Args:
        estimate: Clean latents, of those of a diffusion at a level.
        linear: The linear estimate of the latents, about which the diffusion begins.
        drawn: Unit noise of the same shape.
        steps: Of DDIM.
    """
    levels = levels_of(steps)
    share = alpha_bar(levels[0])
    latent = share**0.5 * linear + (1 - share) ** 0.5 * drawn
    for now, then in pairwise(levels):
        share = alpha_bar(now)
        epsilon = (latent - share**0.5 * estimate(latent, now)) / (1 - share) ** 0.5
        latent = move(latent, epsilon, now=now, then=then)
    return estimate(latent, levels[-1])
