"""The three stages of SC-SIC in one module, and building it from its sizes."""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor, nn

from .config import Part, ScSicConfig, SmallEncoderConfig
from .efficientnet import EfficientNetEncoder
from .small_encoder import SmallEncoder
from .stage_a import StageA
from .stage_b import StageB

__all__ = ["PARTS", "ScSic", "part_of"]

PARTS: tuple[Part, ...] = ("encoder", "stage_a", "stage_b")


class ScSic(nn.Module):
    """Semantic encoder, stage B and stage A.

    Args:
        config: Sizes.
        parts: Which of the three are made; a transmitter needs no stages, a receiver no encoder.

    Attributes:
        encoder: Pictures in [0, 1] to embeddings, at the transmitter.
        stage_b: Embeddings to latents.
        stage_a: Latents to pictures.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025.
    """

    encoder: SmallEncoder | EfficientNetEncoder
    stage_a: StageA
    stage_b: StageB

    def __init__(self, config: ScSicConfig, parts: Collection[Part] = PARTS) -> None:
        super().__init__()
        self.config = config
        semantic = config.semantic
        if "encoder" in parts and isinstance(semantic, SmallEncoderConfig):
            self.encoder = SmallEncoder(semantic)
        elif "encoder" in parts and not isinstance(semantic, SmallEncoderConfig):
            self.encoder = EfficientNetEncoder(
                channels=semantic.channels, downscale=semantic.downscale, width=semantic.width, depth=semantic.depth
            )
        if "stage_a" in parts:
            self.stage_a = StageA(config.stage_a)
        if "stage_b" in parts:
            self.stage_b = StageB(config.stage_b, config.stage_a.latent_channels, semantic.channels, semantic.stride)

    def embed(self, images: Tensor, downscale: float | None = None) -> Tensor:
        """Images ``[b, 3, h, w]`` in [0, 1] to embeddings ``[b, c, h', w']``."""
        embedding: Tensor = self.encoder(images, downscale)
        return embedding


def part_of(name: str) -> Part:
    """Return which part of the network a parameter belongs to."""
    head: Part = name.partition(".")[0]  # type: ignore[assignment]
    return head
