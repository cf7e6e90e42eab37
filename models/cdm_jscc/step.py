"""One batch of CDM-JSCC: the loss of the phase that is on."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..pixel_diffusion.denoising import NoiseLevels, denoised
from ..training.batch import Batch, Losses
from ..training.frames import draw_fading
from ..training.run import Run
from .config import Phase, TrainConfig
from .forward import Passed, pass_through
from .network import CdmJscc

__all__ = ["losses_of"]


def losses_of(run: Run[TrainConfig, CdmJscc], noise: NoiseLevels, batch: Batch[Phase]) -> Losses:
    """Losses of one batch; ``error`` is the squared error of the picture over its expectation before the networks."""
    model, config = run.model, run.config
    phase = batch.phase
    images = batch.images()
    esn0_db = batch.uniform(config.esn0_db)
    low, high = (math.log(bound) for bound in config.eta)
    eta = batch.put(np.exp(batch.rng.uniform(low, high, size=batch.size)).astype(np.float32))
    fading = draw_fading(batch.size, config.fading_share, batch.host)
    loss = error = distance = torch.zeros((), device=images.device)
    if phase.trains == ("entropy",):
        entropy = model.entropy(images, esn0_db, batch.generator)[1]
    else:
        learns = "entropy" in phase.trains
        passed = pass_through(
            model, images, eta, esn0_db, fading, batch.generator, learns_entropy=learns, channel=phase.channel
        )
        entropy = passed.entropy
        picture, each, weight = _picture(run, noise, batch, images, passed)
        error = each.mean()
        loss = (1 - phase.perceptual_weight) * (weight * each if phase.denoise else torch.log(0.2 + each)).mean()
        if phase.perceptual_weight:
            distance = run.distance(picture, images, batch.rng)
            loss = loss + phase.perceptual_weight * config.perceptual_scale * distance
    bits = (entropy.patch_bits.sum() + entropy.side_bits.sum()) / (images.numel() / 3)
    loss = loss + phase.bits_weight * bits
    return {"loss": loss, "error": error, "perceptual": distance, "bits_per_pixel": bits}


def _picture(
    run: Run[TrainConfig, CdmJscc], noise: NoiseLevels, batch: Batch[Phase], images: Tensor, passed: Passed
) -> tuple[Tensor, Tensor, Tensor]:
    """What is made of a batch, the error of each over its expectation, and the weight of each."""
    expected = passed.understood.spread.detach().square().mean((1, 2, 3))
    if batch.phase.denoise:
        picture, weight = _denoised(run, noise, batch, images, passed)
    else:
        picture, weight = passed.understood.estimate, torch.ones(batch.size, device=images.device)
    return picture, (picture.float() - images).square().flatten(1).mean(1) / expected, weight


def _denoised(
    run: Run[TrainConfig, CdmJscc], noise: NoiseLevels, batch: Batch[Phase], images: Tensor, passed: Passed
) -> tuple[Tensor, Tensor]:
    """See `denoised`."""
    model, understood = run.model, passed.understood
    return denoised(
        lambda noisy, time: model.denoise(understood, noisy, time, passed.told, passed.heard_db),
        batch,
        noise,
        run.config,
        images=images,
        estimate=understood.estimate,
        spread=model.spread_of(understood),
    )
