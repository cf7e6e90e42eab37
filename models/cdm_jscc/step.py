"""One batch of CDM-JSCC: the loss of the phase that is on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..training.batch import Batch, Losses
from ..training.frames import draw_fading
from ..training.run import Run
from .config import Phase, TrainConfig
from .diffusion import STEPS, alpha_bars, loss_weight
from .forward import Passed, pass_through
from .network import CdmJscc

__all__ = ["NoiseLevels", "losses_of"]


class NoiseLevels(NamedTuple):
    """Of the diffusion, each ``[STEPS]``."""

    alpha_bar: Tensor
    weight: Tensor  # of the loss

    @classmethod
    def of(cls, config: TrainConfig, device: torch.device) -> NoiseLevels:
        """Those of a recipe."""
        share = alpha_bars()
        tables = (share, loss_weight(share, *config.weight_bounds))
        return cls(*(torch.from_numpy(table).float().to(device) for table in tables))


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
    """Predict pictures from noisy ones at drawn noise levels, in a regression from none at all; the weight of each."""
    model, config = run.model, run.config
    spread = model.spread_of(passed.understood).detach()
    rng = batch.rng
    target = ((images - passed.understood.estimate.detach()) / spread).clamp(-config.model.clip, config.model.clip)
    draw = rng.random(batch.size)
    ends = (draw < config.end_share) | (config.model.objective == "regression")
    levels = batch.put(np.where(ends, STEPS - 1, rng.integers(0, STEPS, batch.size)))
    share = noise.alpha_bar[levels][:, None, None, None]
    drawn = batch.normal(images.shape)
    start = config.model.start_noise * drawn  # as the sampler starts
    noisy = share.sqrt() * target + (1 - share).sqrt() * drawn
    weight = noise.weight[levels]
    has_own = (draw >= config.end_share) & (draw < config.end_share + config.own_share)
    if has_own.any():  # what a sampler has at this level: its own first prediction, which knows no more than it did
        with torch.no_grad():
            end = torch.ones(batch.size, device=images.device)
            first = model.denoise(passed.understood, start, end, passed.told, passed.heard_db)
        own = batch.put(has_own)
        noisy = torch.where(own[:, None, None, None], share.sqrt() * first + (1 - share).sqrt() * start, noisy)
        weight = torch.where(own, noise.weight[-1], weight)
    noisy = torch.where((levels == STEPS - 1)[:, None, None, None], start, noisy)
    residual = model.denoise(passed.understood, noisy, levels.float() / (STEPS - 1), passed.told, passed.heard_db)
    return passed.understood.estimate + spread * residual, weight
