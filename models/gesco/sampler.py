"""From noise and maps to a picture: the loop over noise levels. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .diffusion import clean_picture, ddim_step, guided, posterior
from .schedule import alpha_bar, spaced_levels

__all__ = ["Plan", "Sampler", "draw"]

Sampler = Literal["ddpm", "ddim"]
"""With noise of its own, of the variance that the network has learnt, as the paper does; or without."""
Values = NDArray[np.float32]
Predict = Callable[[Values, Values, int], Values]
"""Noise and variance ``[6, h, w]`` from maps, a noisy picture ``[3, h, w]`` and its level."""


class Plan(NamedTuple):
    """How a picture is drawn.

    Attributes:
        sampler: See `Sampler`.
        steps: Levels that it goes through, of 1000.
        guidance: See `guided`; the network runs twice a step where it is not 1.
    """

    sampler: Sampler
    steps: int
    guidance: float


def draw(maps: Values, predict: Predict, plan: Plan, rng: np.random.Generator) -> Values:
    """Draw a picture from -1 to 1, float32 ``[3, h, w]``.

    Args:
        maps: float32 ``[maps, h, w]``, sides multiples of the network's stride.
        predict: The network.
        plan: How.
        rng: For the noise that it begins with, and that of ``ddpm``.
    """
    nothing = np.zeros_like(maps)
    picture = rng.standard_normal((3, *maps.shape[1:]), np.float32)
    for level, then in pairwise([*spaced_levels(plan.steps), -1]):
        found = predict(maps, picture, level)
        noise, variance, share, other = found[:3], found[3:], alpha_bar(level), alpha_bar(then)
        if plan.guidance != 1:
            noise = guided(noise, predict(nothing, picture, level)[:3], plan.guidance)
        if then < 0:
            return clean_picture(picture, noise, share)
        if plan.sampler == "ddim":
            picture = ddim_step(picture, noise, share, other)
        else:
            there = posterior(picture, clean_picture(picture, noise, share), variance, share, other)
            drawn = rng.standard_normal(picture.shape, np.float32)
            picture = there.mean + np.exp(there.log_variance / 2) * drawn
    raise AssertionError("spaced_levels gives one level at least")
