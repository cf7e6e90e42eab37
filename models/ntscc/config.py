"""What an NTSCC network and its training are made of, read from one YAML file."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from ..config import Config
from ..training.recipe import LearningPhase, Recipe

__all__ = ["NtsccConfig", "Part", "Phase", "TrainConfig"]

Part = Literal["basis", "entropy", "code"]
_GROWING = ("widths", "analysis_blocks", "encoder_blocks", "decoder_blocks", "synthesis_blocks")
Three = tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt]


class NtsccConfig(Config):
    """Sizes. Tuples are of the levels at 1/4, 1/8 and 1/16 of the picture's resolution."""

    widths: tuple[PositiveInt, PositiveInt, PositiveInt] = Field((96, 128, 192), description="Channels.")
    analysis_blocks: Three = Field((1, 1, 2), description="Residual blocks of g_a.")
    encoder_blocks: int = Field(2, ge=0, description="Residual blocks of f_e, at 1/16.")
    decoder_blocks: int = Field(4, ge=0, description="Residual blocks of f_d, at 1/16.")
    synthesis_blocks: tuple[NonNegativeInt, NonNegativeInt] = Field((4, 4), description="Of g_s, at 1/4 and 1/8.")
    condition_width: int = Field(32, ge=1, description="Hidden width of what turns the SNRs into scales and shifts.")
    hyper_width: int = Field(48, ge=1, description="Channels of z.")
    context: Literal["none", "checkerboard", "channels"] = Field(
        "channels",
        description="What prices a latent beside z: nothing; every other patch by its neighbours; or a slice of each "
        "patch's latents by the slices before it.",
    )
    context_width: int = Field(64, ge=1, description="Hidden channels of the context model.")
    step: float = Field(0.1, gt=0, description="Quantiser step whose entropy sets the rates; pixels in [0, 1].")

    def grows_from(self, smaller: NtsccConfig) -> bool:
        """Whether such a network is a smaller one with channels and blocks put to it."""
        return smaller.model_copy(update={name: getattr(self, name) for name in _GROWING}) == self and all(
            np.all(np.greater_equal(getattr(self, name), getattr(smaller, name))) for name in _GROWING
        )


class Phase(LearningPhase):
    """A stretch of the training."""

    trains: tuple[Part, ...] = Field(min_length=1, description="What learns; the rest is frozen.")
    crop: int = Field(ge=16, multiple_of=16, description="Side of the crops in pixels.")


class TrainConfig(Recipe):
    """The recipe."""

    model: NtsccConfig
    variant: str = Field(default="small", pattern="^[a-z0-9-]+$", description="Name of the weights that come out.")
    start_from: str | None = Field(
        default=None,
        description="Shipped weights, by name, or a file, of a network of these sizes or smaller ones, to go on from.",
    )
    phases: tuple[Phase, ...]
    eta: tuple[float, float] = Field(default=(0.03, 1.2), description="Range of eta, drawn evenly in the logarithm.")
    bits_weight: float = Field(default=0.1, gt=0, description="Of bits a pixel; only the entropy model learns of it.")
    loss_offset: float = Field(
        default=0.3,
        gt=0,
        description="A frame's loss: log(offset + MSE / running MSE of its SNR and eta). Small: PSNR; large: MSE.",
    )
    fit_crops: int = Field(default=1500, ge=1, description="Crops from which basis and variances by level are taken.")
