"""One batch of SC-SIC: stage A's loss, or that of the diffusion."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..training.batch import Batch, Losses
from ..training.frames import draw_fading
from ..training.run import Run
from .config import Phase, TrainConfig
from .forward import send
from .loss_weight import AdaptiveLossWeight
from .network import PARTS, ScSic
from .noise import diffusion_noise
from .schedule import alpha_bar, log_snr
from .stage_b import UNHEARD, Conditioning

__all__ = ["losses_of", "set_modes"]


def set_modes(model: ScSic, phase: Phase) -> None:
    """Dropout works in the parts that learn; statistics of batch normalisation move if the phase says so."""
    for part in PARTS:
        model.get_submodule(part).train(part in phase.trains)
    if phase.norms == "fixed":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def losses_of(run: Run[TrainConfig, ScSic], weight: AdaptiveLossWeight, batch: Batch[Phase]) -> Losses:
    """Losses of one batch; the weight of the diffusion's loss follows.

    ``error`` is the squared error of the noise over its expectation before the network; of stage A: of the picture.
    """
    model = run.model
    phase, images = batch.phase, batch.images()
    picture: Tensor | None
    if "stage_a" in phase.trains:
        picture = model.stage_a.decode(model.stage_a.encode(images))
        error = (picture.float() - images).square().mean()
        loss = 100 * error  # about one
    else:
        loss, error, picture = _denoising_loss(run, weight, batch, images)
    distance = torch.zeros((), device=images.device)
    if phase.perceptual_weight and picture is not None:
        distance = run.distance(picture, images[: len(picture)], batch.rng)
        loss = loss + phase.perceptual_weight * run.config.perceptual_scale * distance
    return {"loss": loss, "error": error, "perceptual": distance}


def _denoising_loss(
    run: Run[TrainConfig, ScSic], weight: AdaptiveLossWeight, batch: Batch[Phase], images: Tensor
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The loss, the error, and decoded estimates of the samples at t = 1, where the phase weighs them."""
    model, phase, rng = run.model, batch.phase, batch.rng
    with torch.no_grad():
        latents = model.stage_a.encode(images).float()
    conditioning, heard = _conditioning(run, batch, images, (latents.shape[2], latents.shape[3]))
    draw = rng.random(batch.size)
    ends = draw < phase.end_share
    drawn = rng.random(batch.size)
    regression = model.stage_b.config.objective == "regression"
    t = batch.put(np.where(ends | regression, 1.0, drawn).astype(np.float32))
    share = alpha_bar(t)[:, None, None, None]
    if regression:  # `noise` is what the latents hide in wholly, so that its error is theirs
        noise, noisy = -(share / (1 - share)).sqrt() * latents, torch.zeros_like(latents)
    else:
        noise = diffusion_noise(tuple(latents.shape), phase.noise, batch.generator)
        noisy = share.sqrt() * latents + (1 - share).sqrt() * noise
    epsilon = model.stage_b(noisy, t, conditioning).float()
    each = (epsilon - noise).square() / _expected_error(conditioning, share)
    each = each.flatten(1).mean(1)
    loss = (weight(log_snr(t)) * each).mean()
    weight.follow(log_snr(t), each.detach().clamp(max=1e4))
    error = each.mean()
    if not phase.pixel_weight or not (ends & heard).any():
        return loss, error, None
    shown = batch.put(np.flatnonzero(ends & heard))
    picture = model.stage_a.decode(model.stage_b.clean(noisy[shown], epsilon[shown], t[shown]))
    squared = (picture.float() - images[shown]).square().flatten(1).mean(1)
    return loss + phase.pixel_weight * torch.log(1e-3 + squared).mean(), error, picture


def _conditioning(
    run: Run[TrainConfig, ScSic], batch: Batch[Phase], images: Tensor, size: tuple[int, int]
) -> tuple[Conditioning, NDArray[np.bool_]]:
    """What stage B is told of the pictures over the channel, and of which of them ``[b]`` it is told at all."""
    model, config, phase, rng = run.model, run.config, batch.phase, batch.rng
    downscale = float(rng.choice(phase.downscale)) if phase.downscale else None
    with torch.set_grad_enabled("encoder" in phase.trains):
        embedding = model.embed(images, downscale).float()
    esn0_db = batch.uniform(phase.esn0_db or config.esn0_db)
    fading = draw_fading(batch.size, config.fading_share, batch.host)
    received, variance = send(embedding, esn0_db if phase.channel else None, fading, batch.generator)
    heard = rng.random(batch.size) >= phase.embedding_dropout
    told = batch.put(heard)[:, None, None, None]
    return model.stage_b.condition(received * told, torch.where(told, variance, UNHEARD), size), heard


def _expected_error(conditioning: Conditioning, share: Tensor) -> Tensor:
    """Squared error of the noise that the closed form alone would leave; 1 where there is none."""
    if conditioning.variance is None:
        return torch.ones_like(share)
    return share * conditioning.variance / (share * conditioning.variance + 1 - share)
