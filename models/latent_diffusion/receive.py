"""The receiver: further inversion, and sampling back from the level that fits the noise. Needs no torch."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ddim import Denoiser, Inversion, diffuse, invert, move, sample
from .schedule import alpha_bar, level_of, level_of_step, noise_to_signal
from .step_rule import Sampling, Steps, matched_noise_to_signal, sampling_levels

__all__ = ["Plan", "restore"]

Latent = NDArray[np.float32]
_EVEN = 1e-3  # of the noise: values that differ by less are equally noisy


class Plan(NamedTuple):
    """What a receiver does.

    Attributes:
        inverted: T1, steps of inversion of the transmitter.
        further: T2, of the receiver.
        steps: How it comes to a clean latent.
        rescale: Whether the latent is brought to the power that the network expects at that level. The paper does not.
        inversion: How it goes further towards noise.
    """

    inverted: int
    further: int
    steps: Sampling
    rescale: bool
    inversion: Inversion = "ddim"


def restore(
    received: Latent,
    noise: Latent,
    denoiser: Denoiser[Latent],
    plan: Plan,
    rng: np.random.Generator,
    inverter: Denoiser[Latent] | None = None,
) -> Latent:
    """Return a clean latent.

    Where the noise of the values differs, as over fading, each joins the sampler at the level of its own noise; before
    that it is given as much noise more as the level has. So that the noisiest do not rule how long sampling takes,
    values with more noise than signal are first shrunk to the least squared error, which is below 1.

    Args:
        received: float32 ``[c, h, w]``, equalised without bias, in the transmitter's scale.
        noise: float32 ``[c, h, w]``, the channel's variance in each value.
        denoiser: The network.
        plan: What to do.
        rng: For the noise that is added.
        inverter: The network as it is asked on the way towards noise; None: the same.
    """
    mean, spread = float(noise.mean(dtype=np.float64)), float(np.ptp(noise))
    if plan.inversion == "ddim":
        latent = invert(received, inverter or denoiser, first=plan.inverted, steps=plan.further)
    else:
        latent = diffuse(received, rng, first=plan.inverted, steps=plan.further)
    share = alpha_bar(level_of_step(plan.inverted + plan.further))
    ratio = matched_noise_to_signal(plan.inverted, plan.further, mean)
    ratios = (ratio + (noise - mean) / alpha_bar(level_of_step(plan.inverted))).astype(np.float32)
    if plan.steps == "linear":
        return _linear(latent / np.float32(share**0.5), ratios)
    if spread > _EVEN * mean and plan.rescale:
        return _each_from_its_own_level(latent / np.float32(share**0.5), ratios, denoiser, plan.steps, rng)
    levels = _levels(level_of(ratio), plan.steps)
    if plan.rescale and levels:
        latent = latent * np.float32((alpha_bar(levels[0]) / share) ** 0.5)
    return sample(latent, denoiser, levels)


def _linear(clean: Latent, ratios: NDArray[np.float32]) -> Latent:
    """Bring each value by itself to the least squared error, with mean and variance of its channel in this picture.

    Both are of what arrived, the variance less the noise, and values count the less the noisier they are.
    """
    weights = 1 / (1 + ratios.astype(np.float64)) ** 2
    weights /= weights.sum((1, 2), keepdims=True)
    mean = np.sum(weights * clean, (1, 2), keepdims=True)
    variance = np.sum(weights * (np.square(clean - mean) - ratios), (1, 2), keepdims=True)
    signal = np.maximum(variance, 0)
    shrunk: Latent = (mean + (clean - mean) * (signal / np.maximum(signal + ratios, 1e-12))).astype(np.float32)
    return shrunk


def _levels(level: float, steps: Steps | int) -> tuple[float, ...]:
    if isinstance(steps, int):
        return tuple(float(level_of_step(step)) for step in range(steps, 0, -1))
    return sampling_levels(level, steps)


def _each_from_its_own_level(
    clean: Latent, ratios: NDArray[np.float32], denoiser: Denoiser[Latent], steps: Steps | int, rng: np.random.Generator
) -> Latent:
    """Sample from estimates of the clean latent with noise of these variances, in a latent of unit variance."""
    most = max(1.0, float(np.median(ratios)))
    shrunk = ratios > most
    clean = np.where(shrunk, clean / (1 + ratios), clean)
    ratios = np.where(shrunk, ratios / (1 + ratios), ratios)
    levels = _levels(level_of(float(ratios.max())), steps)
    added = rng.standard_normal(clean.shape, np.float32)

    def at(level: float) -> Latent:
        more = np.sqrt(np.maximum(noise_to_signal(level) - ratios, 0))
        there: Latent = (alpha_bar(level) ** 0.5 * (clean + more * added)).astype(np.float32)
        return there

    latent = at(levels[0])
    for now, then in pairwise([*levels, 0.0]):
        waits = noise_to_signal(then) > ratios
        latent = np.where(waits, at(then), move(latent, denoiser(latent, now), now=now, then=then))
    return latent
