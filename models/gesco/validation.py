"""Validation on held-out scenes, with noise that is the same every time."""

from __future__ import annotations

import numpy as np
import torch

from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Scores, centre_crop, evenly
from .config import TrainConfig
from .network import Gesco
from .step import noisy, received_maps, split

__all__ = ["validate"]


def validate(run: Run[TrainConfig, Gesco], model: Gesco, held: Pictures) -> Scores:
    """How far the squared error of the noise lies below 1, in dB; the score is the mean over some levels.

    The maps are those of a channel without noise.
    """
    config, stride = run.config, run.config.model.stride
    errors: dict[int, list[float]] = {level: [] for level in config.validation_levels}
    generator, clean = torch.Generator().manual_seed(config.seed), torch.tensor([torch.inf])
    for whole in evenly(held, config.validation_pictures):
        height, width = (min(config.validation_crop, side) // stride * stride for side in whole.shape[:2])
        picture, labels = split(centre_crop(whole, height, width, run.device))
        maps = received_maps(labels, config.model, clean, ["none"], generator).to(run.device)
        condition = model.condition(maps)
        for level in config.validation_levels:
            noise, levels = torch.randn(picture.shape, generator=generator).to(run.device), torch.tensor([level])
            found = model.predict(noisy(picture, noise, levels), levels.to(run.device), condition)[:, :3]
            errors[level].append(float((found - noise).square().mean()))
    levels_db = {f"level {level}: error in dB": float(10 * np.log10(np.mean(one))) for level, one in errors.items()}
    return Scores(-float(np.mean(list(levels_db.values()))), levels_db)
