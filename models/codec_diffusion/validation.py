"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

import torch

from ...sim.codecs.hevc import Hevc
from ...sim.codecs.vvc import Vvc
from ..pixel_diffusion.config import DenoisingPhase
from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Quality, Scores, centre_crop, evenly
from .coding import coded_images
from .config import TrainConfig
from .network import CodecDiffusion

__all__ = ["validate"]


def validate(
    run: Run[TrainConfig, CodecDiffusion],
    coder: Hevc | Vvc,
    model: CodecDiffusion,
    held: Pictures,
    phase: DenoisingPhase,
) -> Scores:
    """Figures over centre crops of held-out pictures, at a few QPs and at half the sides.

    The score is that of one step: its mean PSNR in dB, or less its perceptual distance, where the phase trains for one.
    """
    config, device = run.config, run.device
    several = bool(phase.perceptual_weight) and config.model.objective == "diffusion"
    quality = Quality(run.perceptual)
    points = [(qp, 8) for qp in config.validation_qp] + [(config.validation_qp[-1], 4)]
    for qp, eighths in points:
        generator = torch.Generator().manual_seed(config.seed)
        for whole in evenly(held, config.validation_pictures):
            height, width = (min(config.validation_crop, side) // 8 * 8 for side in whole.shape[:2])
            image = centre_crop(whole, height, width, device)
            coded = coded_images(image, [qp], [eighths], coder)
            start = torch.randn(image.shape, generator=generator).to(device)
            where = f"QP {qp:g}, {eighths}/8"
            quality.add(f"{where}, {config.model.coder.upper()}", coded.pictures, image)
            for steps in (1, 4) if several else (1,):
                quality.add(f"{where}, {steps} steps", model.sample(coded, start, steps), image)
    if phase.perceptual_weight:
        return Scores(-quality.mean_of("1 steps: perceptual"), quality.means())
    return Scores(quality.mean_of("1 steps: PSNR in dB"), quality.means())
