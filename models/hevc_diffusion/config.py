"""What the diffusion receiver of HEVC and its training are made of, read from one YAML file."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ..cdm_jscc.config import UnetConfig
from ..config import Config
from ..objective import Objective
from ..training.recipe import LearningPhase, Recipe

__all__ = ["HevcDiffusionConfig", "Phase", "TrainConfig"]


class HevcDiffusionConfig(Config):
    """Sizes of the whole."""

    unet: UnetConfig
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


class Phase(LearningPhase):
    """A stretch of the training."""

    perceptual_weight: float = Field(default=0.0, ge=0, le=1, description="Weight of the perceptual loss (rho).")


class TrainConfig(Recipe):
    """The recipe; x265 codes each crop anew, and no channel is crossed: what arrives is the file, or nothing."""

    model: HevcDiffusionConfig
    variant: str = Field(default="d", pattern="^[a-z-]+$", description="Name of the weights that come out.")
    phases: tuple[Phase, ...]
    start_from: str | None = Field(default=None, description="Shipped weights by name, or a file; null: random.")
    qp: tuple[float, float] = Field(default=(16.0, 48.0), description="Range of QP, drawn evenly.")
    preset: str = Field(default="slow", description="Of x265.")
    halved_share: float = Field(default=0.2, ge=0, le=1, description="Share of crops that are coded at half the sides.")
    end_share: float = Field(default=0.25, ge=0, le=1, description="Share of samples drawn at t = T.")
    own_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of samples whose noisy residual is made of the network's own first prediction and not of "
        "the true one, as the sampler's is.",
    )
    weight_bounds: tuple[float, float] = Field(default=(1.0, 2.0), description="Bounds of the SNR weight of the loss.")
    validation_qp: tuple[float, ...] = Field(default=(24.0, 29.0, 34.0, 39.0), min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not 0 <= self.qp[0] <= self.qp[1] <= 51:
            raise ValueError(f"qp: expected a range within 0 to 51, got {self.qp}")
        if self.model.objective == "regression" and self.own_share:
            raise ValueError(
                f"own_share: expected 0 where 'objective' is regression, which has no noisy pictures, got "
                f"{self.own_share:g}"
            )
        if self.perceptual == "none" and any(phase.perceptual_weight for phase in self.phases):
            raise ValueError("perceptual_weight: expected 0 where 'perceptual' is none")
        return self
