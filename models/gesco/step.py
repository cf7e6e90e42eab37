"""One batch of GESCO: maps over the channel, denoised as the receiver does, and the loss of the U-Net that sees them.

Source: Nichol & Dhariwal, Improved denoising diffusion probabilistic models, ICML 2021, section 3.1 (the loss).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...sim.label_maps.fast_denoising import pooled
from ...sim.label_maps.one_hot import classes_in, one_hot
from ..training.batch import Batch, Losses
from ..training.frames import Fading, draw_fading, over_channel
from ..training.to_device import to_device
from .config import Phase, TrainConfig
from .diffusion import clean_picture, posterior
from .network import Gesco
from .schedule import ALPHA_BARS, LEVELS
from .sizes import GescoConfig

__all__ = ["losses_of", "noisy", "received_maps", "split"]

_SHARES = torch.from_numpy(ALPHA_BARS)


def losses_of(model: Gesco, config: TrainConfig, batch: Batch[Phase]) -> Losses:
    """Losses of one batch; ``error`` is the mean squared error of the noise, ``divergence`` that of a step in bits."""
    scenes, phase, rng = batch.images(), batch.phase, batch.rng
    pictures, labels = split(scenes)
    esn0_db = torch.from_numpy(rng.uniform(*config.esn0_db, size=batch.size).astype(np.float32))
    esn0_db[torch.from_numpy(rng.random(batch.size) < phase.clean_share)] = math.inf
    fading = draw_fading(batch.size, config.fading_share, batch.host)
    maps = batch.put(received_maps(labels, config.model, esn0_db, fading, batch.host))
    kept = batch.put(rng.random(batch.size) >= phase.dropped_share)
    levels = torch.from_numpy(rng.integers(0, LEVELS, batch.size))
    noise = batch.normal(pictures.shape)
    seen = noisy(pictures, noise, levels)
    found, variance = model(seen, batch.put(levels), maps * kept[:, None, None, None]).float().chunk(2, 1)
    error = (found - noise).square().mean()
    divergence = _divergence(pictures, seen, found.detach(), variance, levels)
    return {"loss": error + divergence, "error": error, "divergence": divergence}


def split(scenes: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures from -1 to 1, and labels uint8 ``[b, 2, h, w]``, of scenes ``[b, 5, h, w]`` from 0 to 1."""
    return 2 * scenes[:, :3] - 1, (255 * scenes[:, 3:]).round().to(torch.uint8)


def noisy(pictures: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
    """Pictures ``[b, 3, h, w]`` at levels ``[b]``."""
    share = _share(levels, pictures)
    return share.sqrt() * pictures + (1 - share).sqrt() * noise


def received_maps(
    labels: Tensor, config: GescoConfig, esn0_db: Tensor, fading: list[Fading], generator: torch.Generator
) -> Tensor:
    """Maps ``[b, maps, h, w]`` as a receiver that counts all values alike makes them; infinite Es/N0: of what was sent.

    Args:
        labels: uint8 ``[b, 2, h, w]``, an even number of pixels.
        config: Of the network.
        esn0_db: Es/N0 in dB ``[b]``.
        fading: The channel of each.
        generator: Where noise and gains are drawn.
    """
    made = []
    for one, level, kind in zip(labels.permute(0, 2, 3, 1).cpu().numpy(), esn0_db.cpu(), fading, strict=True):
        sent = [*classes_in(one, config.classes), *[True] * config.edges]
        maps = torch.from_numpy(one_hot(one, config.classes, edges=config.edges))
        if math.isfinite(level):
            came, _ = over_channel(maps[sent].reshape(1, -1), 10 ** (-level[None] / 10), [kind], generator)
            maps[sent] = came.reshape(-1, *maps.shape[1:])
        maps[sent] = pooled(maps[sent])
        made.append(maps)
    return torch.stack(made)


def _share(levels: Tensor, like: Tensor) -> Tensor:
    return to_device(_SHARES[levels].float(), like.device)[:, None, None, None]


def _divergence(pictures: Tensor, seen: Tensor, noise: Tensor, variance: Tensor, levels: Tensor) -> Tensor:
    """Of one step's distribution from the true one, in bits a value; the step to the picture itself counts nothing."""
    share, other = _share(levels, seen), _share((levels - 1).clamp(min=0), seen)
    last = to_device(levels == 0, seen.device)
    other = torch.where(last[:, None, None, None], (1 + share) / 2, other)  # of no matter, but finite
    true = posterior(seen, pictures, -1.0, share, other)
    ours = posterior(seen, clean_picture(seen, noise, share), variance, share, other)
    apart = (true.mean - ours.mean).square() * (-ours.log_variance).exp()
    ratio = true.log_variance - ours.log_variance
    nats = 0.5 * (ratio.exp() - ratio - 1 + apart).mean((1, 2, 3))
    return torch.where(last, 0.0, nats).mean() / float(np.log(2))
