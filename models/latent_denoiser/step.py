"""One batch of the latent denoiser: latents over a channel, and the squared error of what is made of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...sim.side_information.latent_mode import STEPS
from ..latent_diffusion.schedule import level_of_step
from ..latent_diffusion.step import noisy
from ..training.batch import Batch, Losses
from ..training.frames import Fading, draw_fading, over_channel
from ..training.recipe import LearningPhase
from ..training.run import Run
from .config import TrainConfig
from .network import LatentDenoiser

__all__ = ["losses_of", "send_latents"]

_FIRST = 0.25  # share of frames at the level where every receiver begins


def losses_of(run: Run[TrainConfig, LatentDenoiser], batch: Batch[LearningPhase]) -> Losses:
    """Losses of one batch: the squared error, over that of the linear estimate."""
    with torch.no_grad():
        latents = run.model.latents(batch.images()).float()
    esn0_db = batch.uniform(run.config.esn0_db)
    fading = draw_fading(batch.size, run.config.fading_share, batch.host)
    received, noise = send_latents(latents, esn0_db, fading, batch.generator)
    steps = np.where(batch.rng.random(batch.size) < _FIRST, STEPS, batch.rng.integers(1, STEPS + 1, batch.size))
    levels = torch.tensor([level_of_step(int(step)) for step in steps])
    drawn = batch.normal(latents.shape)
    found = run.model.estimate(noisy(latents, drawn, levels), received, noise, batch.put(levels)).float()
    error = (found - latents).square().flatten(1).mean(1) / (noise / (1 + noise)).flatten(1).mean(1)  # [b]
    return {"loss": error.mean()}


def send_latents(
    latents: Tensor, esn0_db: Tensor, fading: list[Fading], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Send each latent as a frame.

    Args:
        latents: ``[b, c, h, w]``, an even count of values.
        esn0_db: ``[b]``.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn.

    Returns:
        What is received, equalised, and the noise's variance in each value: both of the latents' shape and scale.
    """
    values = latents.flatten(1)
    received, n0 = over_channel(values, 10 ** (-esn0_db / 10), fading, generator)
    noise = n0 * values.square().mean(1, keepdim=True)
    return received.reshape(latents.shape), noise.reshape(latents.shape)
