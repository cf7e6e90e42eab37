"""What a training of SwinJSCC is made of, read from one YAML file."""

from __future__ import annotations

from pydantic import Field

from ..training.recipe import LearningPhase, Recipe
from .names import Rate
from .sizes import SwinConfig

__all__ = ["TrainConfig"]


class TrainConfig(Recipe):
    """The recipe."""

    model: SwinConfig
    variant: str = Field(default="small", pattern="^[a-z0-9-]+$", description="Name of the weights that come out.")
    phases: tuple[LearningPhase, ...]
    rate_weights: dict[Rate, float] = Field(default_factory=dict, description="How often each is drawn; default 1.")
    loss_offset: float = Field(
        default=0.3,
        gt=0,
        description="A frame's loss: log(offset + MSE / running MSE of its SNR and rate). Small: PSNR; large: MSE.",
    )
    fit_patches: int = Field(default=100_000, ge=100, description="Patches from which mean and KLT are taken.")
