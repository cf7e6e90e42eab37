"""The autoencoder whose latents are sent."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .config import AutoencoderConfig

__all__ = ["LatentAutoencoder"]


class LatentAutoencoder(nn.Module):
    r"""Latents of pictures, brought to unit variance; what denoises them is added by a class of it.

    .. math:: z_0 = s\, \mathcal{E}(x), \quad x \approx \mathcal{D}(z_0 / s)

    Args:
        config: Sizes.

    Attributes:
        autoencoder: diffusers' `AutoencoderKL`.
        scale: s, a number; it brings latents to unit variance.
    """

    scale: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.autoencoder: Any = _autoencoder(config)
        self.register_buffer("scale", torch.ones(()))

    def posterior(self, images: Tensor) -> Any:
        """Diffusers' `DiagonalGaussianDistribution` of unscaled latents of images ``[b, 3, h, w]`` in [0, 1]."""
        return self.autoencoder.encode((2 * images - 1).to(self.autoencoder.dtype)).latent_dist

    def latents(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images ``[b, 3, h, w]`` in [0, 1], sides multiples of the stride, to clean latents ``[b, c, h', w']``.

        They are the posterior's mean or, with noise of the latents' shape, so many of its deviations away from it.
        """
        posterior = self.posterior(images)
        latents: Tensor = posterior.mean.float()
        if noise is not None:
            latents = latents + posterior.std.float() * noise
        return self.scale * latents

    def pictures(self, latents: Tensor) -> Tensor:
        """Clean latents to images in [0, 1], not clipped."""
        images: Tensor = self.autoencoder.decode((latents / self.scale).to(self.autoencoder.dtype)).sample
        return (images.float() + 1) / 2


def _autoencoder(config: AutoencoderConfig) -> nn.Module:
    from diffusers import AutoencoderKL

    levels = len(config.widths)
    made: Any = AutoencoderKL
    network: nn.Module = made(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=config.widths,
        layers_per_block=config.layers,
        latent_channels=config.latent_channels,
        norm_num_groups=config.norm_groups,
        mid_block_add_attention=config.attention,
    )
    return network
