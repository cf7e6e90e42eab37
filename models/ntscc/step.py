"""One batch of NTSCC: frames of one eta over channels of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..deepjscc.step import normalised_loss
from ..effective_esn0 import effective_esn0_db_of_sent
from ..patch_rates.allocation import levels_for, nearest_eta_index, sent_mask
from ..patch_rates.frames import over_channel
from ..patch_rates.hyperprior import Entropy
from ..patch_rates.rate_map import eta_index
from ..patch_rates.told import Told
from ..training.batch import Batch, Losses
from ..training.frames import Fading, draw_fading
from ..training.run import Run
from .config import Phase, TrainConfig
from .network import Ntscc

__all__ = ["Passed", "link", "losses_of"]


class Passed(NamedTuple):
    """A batch that has come through."""

    picture: Tensor  # [b, 3, H, W] in [0, 1], not clipped
    heard_db: Tensor  # [b]
    entropy: Entropy


def link(
    network: Ntscc,
    images: Tensor,
    eta: Tensor,
    esn0_db: Tensor,
    fading: Sequence[Fading],
    generator: torch.Generator,
    *,
    learns_entropy: bool = False,
) -> Passed:
    """Send images and return what comes out, differentiable.

    Args:
        network: Both ends.
        images: ``[b, 3, H, W]`` in [0, 1], sides multiples of 16; each is one frame of unit power.
        eta: Real values per bit ``[b]``.
        esn0_db: Es/N0 in dB ``[b]``, which the encoder knows; the mean over fading.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn.
        learns_entropy: Put noise for the rounding of latents, so that gradients pass.
    """
    y, entropy = network.entropy(images, esn0_db, generator if learns_entropy else None)
    told = Told(levels_for(entropy.patch_bits.detach(), eta), nearest_eta_index(eta), esn0_db)
    features, mask = network.send(y, told), sent_mask(told.levels.flatten(1))
    received, n0 = over_channel(features, mask, 10 ** (-esn0_db / 10), list(fading), generator)
    return Passed(network.receive(received, n0, told), effective_esn0_db_of_sent(n0, mask), entropy)


def losses_of(run: Run[TrainConfig, Ntscc], level: Tensor, batch: Batch[Phase]) -> Losses:
    """Losses of one batch; the running MSE ``[etas, bins]`` follows."""
    model, config, trains = run.model, run.config, batch.phase.trains
    low, high = (math.log(bound) for bound in config.eta)
    eta = math.exp(batch.rng.uniform(low, high))
    esn0_db, images = batch.uniform(config.esn0_db), batch.images()
    loss = mse = torch.zeros((), device=images.device)
    if "code" in trains:
        fading = draw_fading(batch.size, config.fading_share, batch.host)
        etas = torch.full_like(esn0_db, eta)
        learns = "entropy" in trains
        passed = link(model, images, etas, esn0_db, fading, batch.generator, learns_entropy=learns)
        each = (passed.picture.float() - images).square().flatten(1).mean(1)  # [b]
        n0 = 10 ** (-passed.heard_db / 10)[:, None]
        loss, mse, entropy = (
            normalised_loss(each, n0, level[eta_index(eta)], config.loss_offset),
            each.mean(),
            passed.entropy,
        )
    else:
        entropy = model.entropy(images, esn0_db, batch.generator)[1]
    bits = (entropy.patch_bits.sum() + entropy.side_bits.sum()) / (images.numel() / 3)
    if "entropy" in trains:
        loss = loss + config.bits_weight * bits
    return {"loss": loss, "mse": mse, "bits_per_pixel": bits}
