"""Autoencoder and denoiser in one module."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .config import AutoencoderConfig, DenoiserConfig, LatentDiffusionConfig, Part

__all__ = ["PARTS", "LatentDiffusion", "part_of"]

PARTS: tuple[Part, ...] = ("autoencoder", "denoiser")


class LatentDiffusion(nn.Module):
    r"""Latents of pictures, and the noise in noisy ones.

    .. math:: z_0 = s\, \mathcal{E}(x), \quad x \approx \mathcal{D}(z_0 / s), \quad
        \hat\epsilon = \epsilon_\theta(z_t, t)

    Args:
        config: Sizes.

    Attributes:
        autoencoder: diffusers' `AutoencoderKL`.
        denoiser: diffusers' `UNet2DModel`.
        scale: s, a number; it brings latents to unit variance.

    Source: Rombach et al., High-resolution image synthesis with latent diffusion models, CVPR 2022.
    """

    scale: Tensor

    def __init__(self, config: LatentDiffusionConfig) -> None:
        super().__init__()
        self.config = config
        self.autoencoder: Any = _autoencoder(config.autoencoder)
        self.denoiser: Any = _denoiser(config.denoiser, config.autoencoder.latent_channels)
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

    def epsilon(self, latents: Tensor, level: Tensor) -> Tensor:
        """Noise in latents ``[b, c, h, w]``, sides multiples of the denoiser's stride, at levels ``[b]``, 0 to 999."""
        noise: Tensor = self.denoiser(latents.to(self.denoiser.dtype), level).sample
        return noise.float()


def part_of(name: str) -> Part | None:
    """Return which part of the network a tensor belongs to; None of the scale."""
    head = name.partition(".")[0]
    return next((part for part in PARTS if part == head), None)


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


def _denoiser(config: DenoiserConfig, channels: int) -> nn.Module:
    from diffusers import UNet2DModel

    made: Any = UNet2DModel
    network: nn.Module = made(
        in_channels=channels,
        out_channels=channels,
        down_block_types=tuple("AttnDownBlock2D" if attends else "DownBlock2D" for attends in config.attention),
        up_block_types=tuple("AttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(config.attention)),
        block_out_channels=config.widths,
        layers_per_block=config.layers,
        attention_head_dim=config.head_width,
        norm_num_groups=config.norm_groups,
        add_attention=any(config.attention),
    )
    return network
