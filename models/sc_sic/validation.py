"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..training.pictures import Pictures, Pixels
from ..training.run import Run
from ..training.validation import Quality, Scores, centre_crop, evenly
from .config import Phase, TrainConfig
from .forward import send
from .network import ScSic
from .sampler import sample

__all__ = ["validate"]

_STEPS = (1, 10)
_MULTIPLE = 128


def validate(run: Run[TrainConfig, ScSic], model: ScSic, held: Pictures, phase: Phase) -> Scores:
    """Figures over centre crops of held-out pictures: stage A's alone while it learns, else at a few Es/N0.

    The score is the mean PSNR in dB, of stage A, or of DDIM with 10 steps from the mean; of a regression's one.
    """
    config, quality = run.config, Quality(run.perceptual)
    learns_stage_a = "stage_a" in phase.trains
    levels: tuple[float | None, ...] = config.validation_esn0_db if phase.channel else (None,)
    for whole in evenly(held, config.validation_pictures):
        image = _crop(whole, config.validation_crop, run.device)
        latents = model.stage_a.encode(image)
        quality.add("stage A", model.stage_a.decode(latents), image)
        if not learns_stage_a:
            _over_channel(model, image, latents.shape, levels, config.seed, quality)
    scored = "stage A" if learns_stage_a else f"{_steps_of(model)[-1]} steps"
    return Scores(quality.mean_of(f"{scored}: PSNR in dB"), quality.means())


def _steps_of(model: ScSic) -> tuple[int, ...]:
    return (1,) if model.stage_b.config.objective == "regression" else _STEPS


def _over_channel(
    model: ScSic, image: Tensor, shape: torch.Size, levels: tuple[float | None, ...], seed: int, quality: Quality
) -> None:
    """Measure what comes of a picture at each Es/N0; None: of its embedding as it was sent."""
    embedding = model.embed(image)
    for esn0_db in levels:
        generator = torch.Generator().manual_seed(seed)
        level = None if esn0_db is None else torch.full((1,), esn0_db, device=image.device)
        received, variance = send(embedding, level, ["none"], generator)
        conditioning = model.stage_b.condition(received, variance, (shape[2], shape[3]))
        where = "clean" if esn0_db is None else f"{esn0_db:g} dB"
        if conditioning.mean is not None:
            quality.add(f"{where} linear estimate", model.stage_a.decode(conditioning.mean), image)

        def draw(generator: torch.Generator = generator) -> Tensor:
            return torch.randn(shape, generator=generator).to(image.device)

        for steps in _steps_of(model):
            out = sample(model.stage_b, conditioning, draw, steps=steps, eta=0.0, temperature=0.0)
            quality.add(f"{where} {steps} steps", model.stage_a.decode(out), image)
        if model.stage_b.config.objective == "diffusion":
            out = sample(model.stage_b, conditioning, draw, steps=10)
            quality.add(f"{where} 10 steps sampled", model.stage_a.decode(out), image)


def _crop(whole: Pixels, side: int, device: torch.device) -> Tensor:
    """The middle, of sides that every network of this system takes; a smaller picture is mirrored at two edges."""
    missing = [max(0, _MULTIPLE - n) for n in whole.shape[:2]]
    if any(missing):
        whole = np.pad(whole, ((0, missing[0]), (0, missing[1]), (0, 0)), "symmetric")
    height, width = (min(side, n) // _MULTIPLE * _MULTIPLE for n in whole.shape[:2])
    return centre_crop(whole, height, width, device)
