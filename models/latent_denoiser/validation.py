"""Validation on held-out files over AWGN, with noise that is the same every time."""

from __future__ import annotations

import torch
from torch import Tensor

from ..training.pictures import Pictures
from ..training.validation import Scores, over_esn0
from .config import TrainConfig
from .network import LatentDenoiser
from .sampler import denoise
from .step import send_latents

__all__ = ["validate"]


def validate(config: TrainConfig, model: LatentDenoiser, held: Pictures, device: torch.device) -> Scores:
    """Mean PSNR in dB over centre crops of held-out pictures, one step; see `over_esn0`."""

    def link(image: Tensor, esn0_db: Tensor, generator: torch.Generator) -> Tensor:
        latents = model.latents(image)
        received, noise = send_latents(latents, esn0_db, ["none"], generator)
        drawn = torch.randn(latents.shape, generator=generator).to(device)
        clean = denoise(
            lambda latent, level: model.estimate(latent, received, noise, latent.new_tensor([level])),
            received / (1 + noise),
            drawn,
            1,
        )
        return model.pictures(clean)

    multiple = 2 * config.model.autoencoder.stride
    return over_esn0(held, config, device, link, esn0_db=config.validation_esn0_db, multiple=multiple)
