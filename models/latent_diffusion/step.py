"""One batch of latent diffusion: the autoencoder's loss, or the denoiser's. Neither knows of a channel."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..training.batch import Batch, Losses
from ..training.run import Run
from ..training.to_device import to_device
from .config import Phase, TrainConfig
from .distillation import distance, in_one, taught
from .network import LatentDiffusion
from .schedule import LEVELS, alpha_bar

__all__ = ["losses_of", "noisy"]

_SMALL = 450
_ALPHA_BARS = torch.tensor([alpha_bar(level) for level in range(LEVELS)])


def losses_of(
    run: Run[TrainConfig, LatentDiffusion], batch: Batch[Phase], teacher: LatentDiffusion | None = None
) -> Losses:
    """Losses of one batch; ``error`` is the mean squared error, of the picture, of the noise or from the teacher."""
    images = batch.images()
    if batch.phase.trains == "autoencoder":
        return _of_autoencoder(run, batch, images)
    model, phase, rng = run.model, batch.phase, batch.rng
    with torch.no_grad():
        latents = model.latents(images).float()
    small = rng.random(batch.size) < phase.small_levels_share
    levels = torch.from_numpy(np.where(small, rng.integers(0, _SMALL, batch.size), rng.integers(0, LEVELS, batch.size)))
    noise = batch.normal(latents.shape)
    if teacher is not None:
        return _of_student(model, teacher, noisy(latents, noise, levels), levels, phase)
    found = model.epsilon(noisy(latents, noise, levels), batch.put(levels)).float()
    error = (found - noise).square().mean()
    return {"loss": error, "error": error}


def _of_student(
    student: LatentDiffusion, teacher: LatentDiffusion, latents: Tensor, levels: Tensor, phase: Phase
) -> Losses:
    levels = levels.float().clamp(min=1)
    error = distance(in_one(student, latents, levels), taught(teacher, latents, levels, phase.teacher_steps), levels)
    return {"loss": error, "error": error}


def noisy(latents: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
    """Latents ``[b, c, h, w]`` at levels ``[b]``, which the host holds."""
    share = to_device(_ALPHA_BARS[levels], latents.device)[:, None, None, None]
    return share.sqrt() * latents + (1 - share).sqrt() * noise


def _of_autoencoder(run: Run[TrainConfig, LatentDiffusion], batch: Batch[Phase], images: Tensor) -> Losses:
    model, phase = run.model, batch.phase
    posterior = model.posterior(images)
    latents = posterior.mean + posterior.std * batch.normal(posterior.mean.shape)
    pictures = (model.autoencoder.decode(latents).sample.float() + 1) / 2
    error = (pictures - images).square().mean()
    divergence = posterior.kl().mean() / posterior.mean[0].numel()
    loss = 100 * error + phase.divergence_weight * divergence  # the first about one
    distance = torch.zeros((), device=images.device)
    if phase.perceptual_weight:
        distance = run.distance(pictures, images, batch.rng)
        loss = loss + phase.perceptual_weight * run.config.perceptual_scale * distance
    return {"loss": loss, "error": error, "divergence": divergence, "perceptual": distance}
