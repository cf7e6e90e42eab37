"""One batch: crops through a coder, and the loss of what is made of them."""

from __future__ import annotations

import torch
from torch import Tensor

from ...sim.codecs.hevc import Hevc
from ...sim.codecs.vvc import Vvc
from ..pixel_diffusion.config import DenoisingPhase
from ..pixel_diffusion.denoising import NoiseLevels, denoised
from ..training.batch import Batch, Losses
from ..training.run import Run
from .coded_crops import read_coded
from .coding import coded_images
from .config import TrainConfig
from .network import CodecDiffusion

__all__ = ["losses_of"]

_LEAST = 1e-5  # squared error of some 50 dB: below it an 8-bit picture has next to nothing to mend


def losses_of(
    run: Run[TrainConfig, CodecDiffusion], noise: NoiseLevels, coder: Hevc | Vvc, batch: Batch[DenoisingPhase]
) -> Losses:
    """Losses of one batch; ``error`` is the squared error of the picture over that of the coder's."""
    model, config, weight = run.model, run.config, batch.phase.perceptual_weight
    images = batch.images()
    if config.coded_crops:
        images, coded = read_coded(images)
    else:
        halved = batch.rng.random(batch.size) < config.halved_share
        qp = batch.rng.uniform(*config.qp, batch.size)
        coded = coded_images(images, list(qp), [4 if half else 8 for half in halved], coder)
    pictures, weights = denoised(
        lambda noisy, time: model.denoise(coded, noisy, time),
        batch,
        noise,
        config,
        images=images,
        estimate=coded.pictures,
        spread=coded.spread,
    )
    each = (_squared_error(pictures, images) + _LEAST) / (_squared_error(coded.pictures, images) + _LEAST)
    # its logarithm, since crops differ by 20 dB; 0.2: what little noise hides is easy and must not lead
    loss, distance = (1 - weight) * (weights * torch.log(0.2 + each)).mean(), images.new_zeros(())
    if weight:
        distance = run.distance(pictures, images, batch.rng)
        loss = loss + weight * config.perceptual_scale * distance
    return {"loss": loss, "error": each.mean(), "perceptual": distance}


def _squared_error(pictures: Tensor, images: Tensor) -> Tensor:
    return (pictures.float() - images).square().flatten(1).mean(1)
