"""The receiver: further inversion, and sampling back from the level that fits the noise. Needs no torch."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..frame_noise import ERASED_N0
from .ddim import Denoiser, Inversion, diffuse, invert, move, sample
from .schedule import alpha_bar, level_of, level_of_step, noise_to_signal
from .step_rule import Sampling, Steps, matched_noise_to_signal, sampling_levels

__all__ = ["Plan", "restore"]

Latent = NDArray[np.float32]
_EVEN = 1e-3  # of the noise: values that differ by less are equally noisy
_NONE = 1e-5  # noise that is none
_LEAST_ERROR = 1e-3  # of the network, in a latent of unit variance: even its best is no better than that


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
    that it is given as much noise more as the level has, and the noisiest decide from which level sampling goes. A
    single step goes from the level of the median instead; see `_mean`.

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
    least = matched_noise_to_signal(plan.inverted, plan.further, 0.0)
    ratios = (least + noise / alpha_bar(level_of_step(plan.inverted))).astype(np.float32)
    if plan.steps == "linear":
        return _linear(latent / np.float32(share**0.5), ratios)
    if spread > _EVEN * mean and plan.rescale:
        clean = latent / np.float32(share**0.5)
        if plan.steps == "one":
            return _mean(clean, ratios, (noise > _NONE) & (noise < ERASED_N0), denoiser, rng)
        return _each_from_its_own_level(clean, ratios, denoiser, plan.steps, rng)
    levels = _levels(level_of(ratio), plan.steps)
    if plan.rescale and levels:
        latent = latent * np.float32((alpha_bar(levels[0]) / share) ** 0.5)
    return sample(latent, denoiser, levels)


def _linear(clean: Latent, ratios: NDArray[np.float32]) -> Latent:
    """Bring each value by itself to the least squared error, with mean and variance of its channel in this picture.

    Both are of what arrived, the variance less the noise, and values count the less the noisier they are.
    """
    weights = _trust(ratios)
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
    levels = _levels(level_of(float(ratios.max())), steps)
    added = rng.standard_normal(clean.shape, np.float32)
    latent = _at(levels[0], clean, ratios, added)
    for now, then in pairwise([*levels, 0.0]):
        waits = noise_to_signal(then) > ratios
        moved = move(latent, denoiser(latent, now), now=now, then=then)
        latent = np.where(waits, _at(then, clean, ratios, added), moved)
    return latent


def _mean(
    clean: Latent,
    ratios: NDArray[np.float32],
    noisy: NDArray[np.bool_],
    denoiser: Denoiser[Latent],
    rng: np.random.Generator,
) -> Latent:
    """Go to the mean in one step, from the level of the median of the noise of those values that have some.

    What the values with less noise lose by that, and those with more gain, is balanced behind it: what arrived and what
    the network made of it are weighed by their inverse variances. The network's own, one a channel, is measured as what
    it differs from what arrived by, less the noise of that.
    """
    level = level_of(float(np.median(ratios[noisy] if noisy.any() else ratios)))
    latent = _at(level, clean, ratios, rng.standard_normal(clean.shape, np.float32))
    mean = move(latent, denoiser(latent, level), now=level, then=0.0)
    error = np.sum(_trust(ratios) * (np.square(mean - clean) - ratios), (1, 2), keepdims=True)
    error = np.maximum(error, _LEAST_ERROR).astype(np.float32)
    weighed: Latent = (clean * error + mean * ratios) / (error + ratios)
    return weighed


def _at(level: float, clean: Latent, ratios: NDArray[np.float32], added: Latent) -> Latent:
    """Bring values to a level: by noise that is added, and those that have more than it by the power that it has."""
    ratio = noise_to_signal(level)
    more = np.sqrt(np.maximum(ratio - ratios, 0))
    fitting = np.sqrt((1 + ratio) / np.maximum(1 + ratios, 1 + ratio))
    there: Latent = (alpha_bar(level) ** 0.5 * (fitting * clean + more * added)).astype(np.float32)
    return there


def _trust(ratios: NDArray[np.float32]) -> NDArray[np.float64]:
    """Weights of values in a mean over a channel, which count the less the noisier they are; ``[c, h, w]``, sums 1."""
    weights = 1 / (1 + ratios.astype(np.float64)) ** 2
    normed: NDArray[np.float64] = weights / weights.sum((1, 2), keepdims=True)
    return normed
