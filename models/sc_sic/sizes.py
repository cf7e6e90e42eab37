"""The sizes of Stable Cascade's stages, and a tiny network of the same classes."""

from __future__ import annotations

from .config import EfficientNetConfig, ScSicConfig, StageAConfig, StageBConfig
from .names import Size

__all__ = ["SIZES"]

SIZES: dict[Size, ScSicConfig] = {
    "lite": ScSicConfig(),
    "large": ScSicConfig(
        stage_b=StageBConfig(
            widths=(320, 640, 1280, 1280),
            heads=(0, 0, 20, 20),
            down_layers=(2, 6, 28, 6),
            up_layers=(6, 28, 6, 2),
            up_repeats=(3, 3, 2, 2),
        )
    ),
    "tiny": ScSicConfig(
        semantic=EfficientNetConfig(width=0.1, depth=0.1),
        stage_a=StageAConfig(width=16, blocks=1, codebook=16),
        stage_b=StageBConfig(
            widths=(16, 32),
            heads=(0, 2),
            down_layers=(1, 1),
            up_layers=(1, 1),
            up_repeats=(2, 1),
            dropout=(0.0, 0.1),
            text_width=32,
        ),
    ),
}
