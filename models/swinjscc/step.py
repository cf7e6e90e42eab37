"""One batch of SwinJSCC: frames of one rate over channels of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..deepjscc.step import normalised_loss
from ..effective_esn0 import effective_esn0_db
from ..training.batch import Batch, Losses
from ..training.frames import Fading, Received, draw_fading, over_channel
from ..training.recipe import LearningPhase
from ..training.run import Run
from .config import TrainConfig
from .names import RATES, Rate, channels_of
from .network import SwinJscc

__all__ = ["link", "losses_of"]


def link(
    network: SwinJscc, images: Tensor, rate: Rate, esn0_db: Tensor, fading: Sequence[Fading], generator: torch.Generator
) -> Received:
    """Send images and return what comes out, differentiable, and the noise variances ``[b, n]`` on the way.

    Args:
        network: Both ends.
        images: ``[b, 3, h, w]`` in [0, 1], sides multiples of the stride; each is one frame of unit power.
        rate: Of all of them.
        esn0_db: Es/N0 in dB ``[b]``, which the encoder knows; the mean over fading.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn.
    """
    stride = network.config.stride
    grid = images.shape[2] // stride, images.shape[3] // stride
    count = channels_of(rate, stride)
    counts = esn0_db.new_full(esn0_db.shape, count)
    encoded = network.encode(images, counts, esn0_db)
    channels = network.chosen(encoded, count)
    values, n0 = over_channel(network.sent(encoded.features, channels), 10 ** (-esn0_db / 10), list(fading), generator)
    features, level = network.placed(values, channels, *grid, 0.0), network.placed(n0, channels, *grid, 1.0)
    return network.decode(features, level, counts, esn0_db, effective_esn0_db(n0)), n0


def losses_of(run: Run[TrainConfig, SwinJscc], level: Tensor, batch: Batch[LearningPhase]) -> Losses:
    """Losses of one batch; the running MSE ``[rates, bins]`` follows."""
    config, rates = run.config, run.config.model.rates
    weights = np.array([config.rate_weights.get(rate, 1.0) for rate in rates])
    rate = rates[batch.rng.choice(len(weights), p=weights / weights.sum())]
    esn0_db, images = batch.uniform(config.esn0_db), batch.images()
    fading = draw_fading(batch.size, config.fading_share, batch.host)
    out, n0 = link(run.model, images, rate, esn0_db, fading, batch.generator)
    mse = (out.float() - images).square().flatten(1).mean(1)  # [b]
    loss = normalised_loss(mse, n0, level[RATES.index(rate)], config.loss_offset)
    return {"loss": loss, "mse": mse.mean(), "rate": rate}
