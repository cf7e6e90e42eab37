"""What a GESCO network is made of, and the sizes that are public. Needs no torch."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ..config import Config
from .names import Variant

__all__ = ["PUBLIC", "GescoConfig"]


class GescoConfig(Config):
    """Sizes of the U-Net; each level but the last halves the picture's sides."""

    classes: int = Field(ge=2, le=255)
    edges: bool = Field(default=True, description="A further map says where edges between instances are.")
    width: int = Field(default=256, ge=4, description="Channels that `multipliers` multiply.")
    multipliers: tuple[int, ...] = Field(default=(1, 1, 2, 2, 4, 4), min_length=1, description="By level.")
    attention: tuple[bool, ...] = Field(default=(False, False, False, True, True, True), description="By level.")
    blocks: int = Field(default=2, ge=1, description="Residual blocks of each level; one more on the way up.")
    head_width: int = Field(default=64, ge=4, description="Channels of one head of attention.")
    patch: int = Field(default=1, ge=1, le=8, description="Pixels a side that are taken into channels first.")
    norm_groups: int = Field(default=32, ge=1)
    spade_width: int = Field(default=128, ge=1, description="Channels between the maps and each scale and shift.")

    @model_validator(mode="after")
    def _one_entry_a_level(self) -> Self:
        if len(self.attention) != len(self.multipliers):
            raise ValueError(f"attention: expected {len(self.multipliers)} entries, one a level")
        return self

    @property
    def maps(self) -> int:
        """How many maps the network takes: one a class, and that of the edges."""
        return self.classes + self.edges

    @property
    def stride(self) -> int:
        """Pixels a side that it works on as one at its lowest level."""
        return int(self.patch * 2 ** (len(self.multipliers) - 1))


PUBLIC: dict[Variant, GescoConfig] = {
    "cityscapes": GescoConfig(classes=35),
    "coco": GescoConfig(classes=183),
    "ade20k": GescoConfig(classes=151, edges=False),
}
"""Sizes of the networks of the public code, by data; their widths are the defaults."""
