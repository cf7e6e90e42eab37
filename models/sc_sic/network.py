"""The three stages of SC-SIC in one module, and building it from its sizes."""

from __future__ import annotations

from torch import Tensor, nn

from .config import ScSicConfig, SmallEncoderConfig
from .efficientnet import EfficientNetEncoder
from .small_encoder import SmallEncoder
from .stage_a import StageA
from .stage_b import StageB

__all__ = ["ScSic"]


class ScSic(nn.Module):
    """Semantic encoder, stage B and stage A.

    Args:
        config: Sizes.

    Attributes:
        encoder: Pictures in [0, 1] to embeddings, at the transmitter.
        stage_b: Embeddings to latents.
        stage_a: Latents to pictures.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025.
    """

    def __init__(self, config: ScSicConfig) -> None:
        super().__init__()
        self.config = config
        semantic = config.semantic
        self.encoder: SmallEncoder | EfficientNetEncoder
        if isinstance(semantic, SmallEncoderConfig):
            self.encoder = SmallEncoder(semantic)
        else:
            self.encoder = EfficientNetEncoder(
                channels=semantic.channels, downscale=semantic.downscale, width=semantic.width, depth=semantic.depth
            )
        self.stage_a = StageA(config.stage_a)
        self.stage_b = StageB(config.stage_b, config.stage_a.latent_channels, semantic.channels, semantic.stride)

    def embed(self, images: Tensor, downscale: float | None = None) -> Tensor:
        """Images ``[b, 3, h, w]`` in [0, 1] to embeddings ``[b, c, h', w']``."""
        embedding: Tensor = self.encoder(images, downscale)
        return embedding
