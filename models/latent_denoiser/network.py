"""Autoencoder and conditional denoiser in one module."""

from __future__ import annotations

from torch import Tensor

from ..latent_diffusion.autoencoder import LatentAutoencoder
from .conditional import ConditionalDenoiser
from .config import LatentDenoiserConfig

__all__ = ["LatentDenoiser"]


class LatentDenoiser(LatentAutoencoder):
    """Latents of pictures, and clean ones of what was received.

    Args:
        config: Sizes.

    Attributes:
        denoiser: See `ConditionalDenoiser`.
    """

    def __init__(self, config: LatentDenoiserConfig) -> None:
        super().__init__(config.autoencoder)
        self.config = config
        self.denoiser = ConditionalDenoiser(config.denoiser, config.autoencoder.latent_channels)

    def estimate(self, noisy: Tensor, received: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """Clean latents ``[b, c, h, w]``, sides even; see `ConditionalDenoiser`."""
        clean: Tensor = self.denoiser(noisy, received, noise, level)
        return clean
