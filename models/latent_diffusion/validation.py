"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Quality, Scores, centre_crop, evenly
from .config import Phase, TrainConfig
from .distillation import distance, in_one, taught
from .network import LatentDiffusion
from .step import noisy

__all__ = ["validate"]


def validate(
    run: Run[TrainConfig, LatentDiffusion],
    model: LatentDiffusion,
    held: Pictures,
    phase: Phase,
    teacher: LatentDiffusion | None = None,
) -> Scores:
    """Figures over centre crops of held-out pictures.

    The score is the autoencoder's mean PSNR in dB while it learns; then how far the squared error of the noise lies
    below 1, in dB, the mean over some levels; with a teacher, how far what one step leads to lies from its end.
    """
    config, quality = run.config, Quality(run.perceptual)
    errors: dict[int, list[float]] = {level: [] for level in config.validation_levels}
    stride = config.model.autoencoder.stride
    generator = torch.Generator().manual_seed(config.seed)
    for whole in evenly(held, config.validation_pictures):
        height, width = (min(config.validation_crop, side) // stride * stride for side in whole.shape[:2])
        image = centre_crop(whole, height, width, run.device)
        latents = model.latents(image)
        quality.add("autoencoder", model.pictures(latents), image)
        if phase.trains == "denoiser":
            for level in config.validation_levels:
                noise, levels = torch.randn(latents.shape, generator=generator).to(run.device), torch.tensor([level])
                errors[level].append(_error(model, latents, noise, levels, phase, teacher))
    if phase.trains == "autoencoder":
        return Scores(quality.mean_of("PSNR in dB"), quality.means())
    levels_db = {f"level {level}: error in dB": float(10 * np.log10(np.mean(one))) for level, one in errors.items()}
    return Scores(-float(np.mean(list(levels_db.values()))), {**quality.means(), **levels_db})


def _error(
    model: LatentDiffusion,
    latents: Tensor,
    noise: Tensor,
    levels: Tensor,
    phase: Phase,
    teacher: LatentDiffusion | None,
) -> float:
    there, levels = noisy(latents, noise, levels), levels.to(latents.device).float()
    if teacher is None:
        return float((model.epsilon(there, levels) - noise).square().mean())
    end = taught(teacher, there, levels, phase.teacher_steps)
    return float(distance(in_one(model, there, levels), end, levels))
