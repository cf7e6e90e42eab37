r"""The two ways of DDIM: from a latent towards noise, and back. Arrays of numpy or of torch; needs no torch.

.. math:: z_s = \sqrt{\bar\alpha_s}\, \frac{z_t - \sqrt{1 - \bar\alpha_t}\, \hat\epsilon}{\sqrt{\bar\alpha_t}}
    + \sqrt{1 - \bar\alpha_s}\, \hat\epsilon

One convention for both, that of diffusers' `DDIMScheduler` and `DDIMInverseScheduler`: a step between the levels t - 20
and t asks the network at t, whichever way it goes. So ten steps of inversion end at level 181.

Source: Song et al., Denoising diffusion implicit models, ICLR 2021, eq. 13.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeVar

import numpy as np

from .schedule import alpha_bar, level_of_step

__all__ = ["Denoiser", "Inversion", "diffuse", "invert", "move", "sample"]

A = TypeVar("A", bound=Any)
Denoiser = Callable[[A, float], A]
"""Estimates the unit noise in a latent at a level."""
Inversion = Literal["ddim", "noise"]
"""The way towards noise: the network's own, or noise that is drawn."""


def move(latent: A, epsilon: A, *, now: float, then: float) -> A:
    """Go from one level to another along the noise that was estimated."""
    share, other = alpha_bar(now), alpha_bar(then)
    clean = (latent - (1 - share) ** 0.5 * epsilon) / share**0.5
    there: A = other**0.5 * clean + (1 - other) ** 0.5 * epsilon
    return there


def invert(latent: A, denoiser: Denoiser[A], *, first: int, steps: int) -> A:
    """Go on towards noise.

    Args:
        latent: That has ``first`` steps of the grid behind it.
        denoiser: The network.
        first: Steps behind it.
        steps: To take.
    """
    for step in range(first, first + steps):
        now, then = level_of_step(step), level_of_step(step + 1)
        latent = move(latent, denoiser(latent, then), now=now, then=then)
    return latent


def diffuse(latent: A, rng: np.random.Generator, *, first: int, steps: int) -> A:
    """Go on towards noise by noise that is drawn; see `invert`. Arrays of numpy alone."""
    kept = alpha_bar(level_of_step(first + steps)) / alpha_bar(level_of_step(first))
    noise = rng.standard_normal(latent.shape, np.float32)
    there: A = np.float32(kept**0.5) * latent + np.float32((1 - kept) ** 0.5) * noise
    return there


def sample(latent: A, denoiser: Denoiser[A], levels: Sequence[float]) -> A:
    """Go back to a clean latent, through these levels, the noisiest first, and then to level 0."""
    for now, then in pairwise([*levels, 0.0]):
        latent = move(latent, denoiser(latent, now), now=now, then=then)
    return latent
