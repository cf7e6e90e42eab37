"""One batch of DeepJSCC: frames of one rate over channels of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..effective_esn0 import effective_esn0_db
from ..perceptual.discriminator import cut_alike, sides
from ..training.batch import Batch, Losses
from ..training.frames import draw_fading
from ..training.recipe import Stretch
from ..training.run import Run
from ..training.running_mean import followed
from .config import TrainConfig
from .constellation import send, told_esn0_db
from .rates import RATES, Rate

__all__ = ["BINS", "losses_of", "normalised_loss"]

BINS = 16  # of effective SNR, 2.5 dB each from -12.5 dB


def losses_of(run: Run[TrainConfig, Any], level: Tensor, batch: Batch[Stretch]) -> Losses:
    """Losses of one batch; the running MSE ``[rates, bins]`` follows."""
    model, config, rng = run.model, run.config, batch.rng
    weights = np.array([config.rate_weights.get(rate, 1.0) for rate in model.rates])
    rate: Rate = model.rates[rng.choice(len(weights), p=weights / weights.sum())]
    esn0_db = batch.uniform(config.esn0_db)
    images = batch.images()
    fading = draw_fading(batch.size, config.fading_share, batch.host)
    bits_per_symbol = int(rng.choice(config.bits_per_symbol)) if config.bits_per_symbol else None
    told_db = told_esn0_db(esn0_db, bits_per_symbol)
    softness = config.softness[0] + batch.progress * (config.softness[1] - config.softness[0])
    features = model.encode(images, rate, told_db).float()
    received, n0 = send(features, esn0_db, fading, batch.generator, bits_per_symbol, softness)
    out = model.decode(received, n0, rate, told_db, batch.phase.crop, batch.phase.crop).float()
    mse = (out - images).square().flatten(1).mean(1)  # [b]
    loss = normalised_loss(mse, n0, level[RATES.index(rate)], config.loss_offset)
    if run.perceptual is not None:
        distance = run.distance(out, images, rng)
        loss = (1 - config.perceptual_weight) * loss + config.perceptual_weight * config.perceptual_scale * distance
    if config.adversarial is not None:
        judged = sides(model.discriminator, *cut_alike(out, images, rng=rng))
        told = {"fools": judged.generator.detach(), "found": judged.discriminator.detach()}
        loss = loss + config.adversarial.weight * judged.generator
        return {"loss": loss + judged.discriminator, "rate": rate, "mse": mse.mean(), **told}
    return {"loss": loss, "rate": rate, "mse": mse.mean()}


def normalised_loss(mse: Tensor, n0: Tensor, level: Tensor, offset: float) -> Tensor:
    """Mean over frames of log(offset + MSE / running MSE of frames about this effective SNR).

    Args:
        mse: Of each frame, ``[b]``.
        n0: Noise variances ``[b, n]``.
        level: Running MSE of this rate ``[bins]``, which follows, but no MSE that is not finite; 0 where no frame has
            been.
        offset: Small: the loss is that of PSNR; large: of MSE.
    """
    which = ((effective_esn0_db(n0) + 12.5) / 2.5).long().clamp(0, BINS - 1)
    if level.device.type == "cpu":
        for index, value in zip(which.tolist(), mse.detach(), strict=True):
            if torch.isfinite(value):
                level[index] = value if level[index] == 0 else torch.lerp(level[index], value, 0.03)
    else:
        level.copy_(followed(level, which, mse.detach(), 0.03))
    return torch.log(offset + mse / level[which]).mean()
