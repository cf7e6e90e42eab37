"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..patch_rates.rate_map import PATCH, eta_near_cbr
from ..training.frames import Fading
from ..training.pictures import Pictures, Pixels
from ..training.run import Run
from ..training.validation import Quality, Scores, centre_crop, evenly
from .config import Phase, TrainConfig
from .forward import pass_through
from .network import CdmJscc

__all__ = ["POINTS", "validate"]

POINTS: tuple[tuple[str, float, Fading], ...] = (
    ("1/48", 10.0, "none"),
    ("1/24", 10.0, "none"),
    ("1/12", 10.0, "none"),
    ("1/12", 1.0, "none"),
    ("1/24", 10.0, "block"),
)


def validate(run: Run[TrainConfig, CdmJscc], model: CdmJscc, held: Pictures, phase: Phase) -> Scores:
    """Figures over centre crops of held-out pictures at a few points of payload CBR, SNR and channel.

    The score is the mean PSNR in dB; less the perceptual distance, where the phase trains for one; less the bits per
    pixel, where it trains nothing else.
    """
    config, device = run.config, run.device
    several = bool(phase.perceptual_weight) and config.model.objective == "diffusion"
    steps = () if not phase.denoise else (1, 4) if several else (1,)
    quality, bits = Quality(run.perceptual), []
    for name, esn0_db, fading in POINTS:
        generator = torch.Generator().manual_seed(config.seed)
        for whole in evenly(held, config.validation_pictures):
            image = _crop(whole, config.validation_crop, device)
            pixels = image.shape[2] * image.shape[3]
            level = torch.full((1,), esn0_db, device=device)
            patch_bits = model.entropy(image, level)[1].patch_bits
            bits.append(float(patch_bits.sum()) / pixels)
            if phase.trains == ("entropy",):
                continue
            uses = 3 * pixels / int(name.removeprefix("1/"))
            eta = torch.tensor([eta_near_cbr(patch_bits.cpu().numpy(), uses)], dtype=torch.float32, device=device)
            passed = pass_through(model, image, eta, level, [fading], generator, channel=phase.channel)
            start = torch.randn(image.shape, generator=generator).to(device)
            where = f"{name} {esn0_db:g}dB {fading}"
            quality.add(f"{where} estimate", passed.understood.estimate, image)
            for count in steps:
                picture = model.sample(passed.understood, start, passed.told, passed.heard_db, count)
                quality.add(f"{where} {count} steps", picture, image)
    bits_per_pixel = float(np.mean(bits))
    wanted = f"{steps[-1]} steps" if steps else "estimate"
    if phase.trains == ("entropy",):
        score = -bits_per_pixel
    elif phase.perceptual_weight:
        score = -quality.mean_of(f"{wanted}: perceptual")
    else:
        score = quality.mean_of(f"{wanted}: PSNR in dB")
    return Scores(score, {**quality.means(), "bits per pixel": bits_per_pixel})


def _crop(whole: Pixels, most: int, device: torch.device) -> Tensor:
    height, width = (max(PATCH, min(most, side) // PATCH * PATCH) for side in whole.shape[:2])
    return centre_crop(whole, height, width, device)
