"""What a denoiser of residuals and its training are made of, as systems have it in their recipes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ..config import Config
from ..objective import Objective
from ..training.recipe import LearningPhase, Recipe

__all__ = ["DenoiserConfig", "DenoisingPhase", "DenoisingRecipe", "UnetConfig"]


class UnetConfig(Config):
    """Sizes of the denoiser."""

    unshuffle: Literal[1, 2, 4] = Field(default=1, description="Pictures come in blocks of so many pixels a side.")
    widths: tuple[int, ...] = Field(default=(64, 128, 192, 256, 320, 384), min_length=1, description="Of the levels.")
    blocks: int = Field(default=2, ge=1, description="Residual blocks a level.")
    middle: int = Field(default=0, ge=0, description="Residual blocks at the bottom, between the ways down and up.")
    norm: bool = Field(default=True, description="Layer norm in the blocks.")
    attention: bool = Field(default=True, description="Linear attention at each level.")
    side: int = Field(default=7, ge=1, description="Side of the first and of the last convolution.")
    prior_variance: float | None = Field(
        default=None,
        gt=0,
        description="Of the clean signal. With it the network is given the Wiener estimate from the noisy one alone "
        "and predicts what that lacks: at t = T no noise gets in. null: it is given the noisy one itself.",
    )
    time_width: int = Field(default=256, ge=1, description="Hidden width of the time embedding.")


class DenoiserConfig(Config):
    """A denoiser of residuals."""

    unet: UnetConfig = UnetConfig()
    clip: float = Field(default=6.0, gt=0, description="Bound of a predicted residual, over its expected error.")
    start_noise: float = Field(default=0.8, ge=0, description="Standard deviation of the sampler's start.")
    objective: Objective = Field(
        default="diffusion",
        description="regression: the same network is told t = T and no noisy signal in training too, and predicts the "
        "clean one at once; there is one step, and start_noise is 0.",
    )

    @model_validator(mode="after")
    def _regression_starts_from_nothing(self) -> Self:
        if self.objective == "regression" and self.start_noise:
            raise ValueError(f"start_noise: expected 0 where 'objective' is regression, got {self.start_noise:g}")
        return self


class DenoisingPhase(LearningPhase):
    """A stretch of the training."""

    perceptual_weight: float = Field(default=0.0, ge=0, le=1, description="Weight of the perceptual loss (rho).")


class DenoisingRecipe(Recipe):
    """A recipe that trains one at drawn noise levels."""

    model: DenoiserConfig
    phases: tuple[DenoisingPhase, ...]
    end_share: float = Field(default=0.25, ge=0, le=1, description="Share of samples drawn at t = T.")
    own_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of samples whose noisy residual is made of the network's own first prediction and not of "
        "the true one, as the sampler's is.",
    )
    weight_bounds: tuple[float, float] = Field(default=(1.0, 2.0), description="Bounds of the SNR weight of the loss.")

    @model_validator(mode="after")
    def _objective_fits(self) -> Self:
        if self.model.objective == "regression" and self.own_share:
            raise ValueError(
                f"own_share: expected 0 where 'objective' is regression, which has no noisy pictures, got "
                f"{self.own_share:g}"
            )
        return self

    @model_validator(mode="after")
    def _perceptual_fits(self) -> Self:
        if self.perceptual == "none" and any(phase.perceptual_weight for phase in self.phases):
            raise ValueError("perceptual_weight: expected 0 where 'perceptual' is none")
        return self
