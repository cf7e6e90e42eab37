"""Autoencoder and denoiser in one module."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .autoencoder import LatentAutoencoder
from .config import DenoiserConfig, LatentDiffusionConfig, Part

__all__ = ["LatentDiffusion", "part_of"]

_PARTS: tuple[Part, ...] = ("autoencoder", "denoiser")


class LatentDiffusion(LatentAutoencoder):
    r"""Latents of pictures, and the noise in noisy ones.

    .. math:: z_0 = s\, \mathcal{E}(x), \quad x \approx \mathcal{D}(z_0 / s), \quad
        \hat\epsilon = \epsilon_\theta(z_t, t)

    Args:
        config: Sizes.

    Attributes:
        denoiser: diffusers' `UNet2DModel`.

    Source: Rombach et al., High-resolution image synthesis with latent diffusion models, CVPR 2022.
    """

    def __init__(self, config: LatentDiffusionConfig) -> None:
        super().__init__(config.autoencoder)
        self.config = config
        self.denoiser: Any = _denoiser(config.denoiser, config.autoencoder.latent_channels)

    def epsilon(self, latents: Tensor, level: Tensor) -> Tensor:
        """Noise in latents ``[b, c, h, w]``, sides multiples of the denoiser's stride, at levels ``[b]``, 0 to 999."""
        noise: Tensor = self.denoiser(latents.to(self.denoiser.dtype), level).sample
        return noise.float()


def part_of(name: str) -> Part | None:
    """Return which part of the network a tensor belongs to; None of the scale."""
    head = name.partition(".")[0]
    return next((part for part in _PARTS if part == head), None)


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
