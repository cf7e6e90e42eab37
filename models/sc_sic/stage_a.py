"""Stage A: pictures to latents at a quarter of their sides and back. The quantiser between them is not used."""

from __future__ import annotations

from torch import Tensor, nn

from .config import StageAConfig

__all__ = ["STRIDE", "StageA"]

STRIDE = 4  # pixels a side of one latent


class StageA(nn.Module):
    r"""The autoencoder, diffusers' `PaellaVQModel`.

    .. math:: X_{VG} = f_\Theta(X) / c, \quad X \approx f_\Theta^{-1}(c\, X_{VG})

    Args:
        config: Sizes; c is `scale`, about the latents' standard deviation.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, eqs. 1 and 2.
    """

    def __init__(self, config: StageAConfig) -> None:
        from diffusers.pipelines.deprecated.wuerstchen.modeling_paella_vq_model import PaellaVQModel

        super().__init__()
        self.vqgan = PaellaVQModel(
            levels=2,
            bottleneck_blocks=config.blocks,
            embed_dim=config.width,
            latent_channels=config.latent_channels,
            num_vq_embeddings=config.codebook,
            scale_factor=config.scale,
        )

    @property
    def scale(self) -> float:
        """What latents are divided by, as the loaded configuration has it."""
        return float(self.vqgan.config.scale_factor)

    def encode(self, images: Tensor) -> Tensor:
        """Images ``[b, 3, h, w]`` in [0, 1], h and w multiples of 4, to latents ``[b, c, h / 4, w / 4]``."""
        latents: Tensor = self.vqgan.encode(images).latents
        return latents / self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to images, not clipped."""
        images: Tensor = self.vqgan.decode(latents * self.scale).sample
        return images
