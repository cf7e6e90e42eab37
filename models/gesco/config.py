"""What a training of GESCO is made of, read from one YAML file."""

from __future__ import annotations

from pydantic import Field

from ..training.recipe import LearningPhase, Recipe
from .sizes import GescoConfig

__all__ = ["Phase", "TrainConfig"]


class Phase(LearningPhase):
    """A stretch of the training."""

    dropped_share: float = Field(default=0.2, ge=0, le=1, description="Of pictures whose maps are all zero.")
    clean_share: float = Field(default=0.33, ge=0, le=1, description="Of maps that meet no noise.")


class TrainConfig(Recipe):
    """The recipe."""

    model: GescoConfig
    variant: str = Field(default="mini", pattern="^[a-z0-9-]+$", description="Name of the weights that come out.")
    phases: tuple[Phase, ...]
    scenes: int = Field(default=4096, ge=10, description="How many are drawn, where the data are builtin:scenes.")
    legend: str = Field(default="scenes", description="Of label maps in a folder: a shipped one, or a YAML file.")
    size: tuple[int, int] | None = Field(
        default=None, description="Height and width to which maps and pictures of a folder are brought; null: as is."
    )
    validation_levels: tuple[int, ...] = Field(default=(50, 150, 300, 500, 700, 900), min_length=1)
