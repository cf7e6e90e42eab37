"""What a latent diffusion network and its training are made of, read from one YAML file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ..config import Config
from ..training.recipe import LearningPhase, Recipe

__all__ = ["AutoencoderConfig", "DenoiserConfig", "LatentDiffusionConfig", "Part", "Phase", "TrainConfig"]

Part = Literal["autoencoder", "denoiser"]


class AutoencoderConfig(Config):
    """Sizes of the autoencoder, `AutoencoderKL`; each level but the last halves the picture's sides."""

    widths: tuple[int, ...] = Field(default=(128, 256, 512, 512), min_length=2)
    layers: int = Field(default=2, ge=1, description="Residual blocks of each level; the decoder has one more.")
    latent_channels: int = Field(default=4, ge=1)
    norm_groups: int = Field(default=32, ge=1)
    attention: bool = Field(default=True, description="In the middle block.")

    @property
    def stride(self) -> int:
        """Pixels a side of one latent."""
        return int(2 ** (len(self.widths) - 1))


class DenoiserConfig(Config):
    """Sizes of the denoiser, `UNet2DModel`; it halves the latents' sides between its levels."""

    widths: tuple[int, ...] = Field(min_length=1)
    attention: tuple[bool, ...] = Field(description="By level.")
    layers: int = Field(default=2, ge=1, description="Residual blocks of each level; one more on the way up.")
    head_width: int = Field(default=32, ge=4, description="Channels of one head of attention.")
    norm_groups: int = Field(default=32, ge=1)

    @model_validator(mode="after")
    def _one_entry_a_level(self) -> Self:
        if len(self.attention) != len(self.widths):
            raise ValueError(f"attention: expected {len(self.widths)} entries, one a level")
        return self

    @property
    def stride(self) -> int:
        """Latents a side that it works on as one at its lowest level."""
        return int(2 ** (len(self.widths) - 1))


class LatentDiffusionConfig(Config):
    """Sizes of the whole."""

    autoencoder: AutoencoderConfig = AutoencoderConfig()
    denoiser: DenoiserConfig


class Phase(LearningPhase):
    """A stretch of the training; none knows of a channel."""

    trains: Part
    divergence_weight: float = Field(default=1e-6, ge=0, description="Weight of the latents' divergence from normal.")
    perceptual_weight: float = Field(default=0.0, ge=0, description="Weight of the pictures' perceptual loss.")
    teacher_steps: int = Field(
        default=0,
        ge=0,
        description="Steps by which the weights of start_from sample; one of the denoiser learns to lead to their end. "
        "0: there is no teacher, and it learns the noise.",
    )
    small_levels_share: float = Field(
        default=0.0, ge=0, le=1, description="Share of levels drawn below 450, where receivers work; the rest evenly."
    )


class TrainConfig(Recipe):
    """The recipe."""

    model: LatentDiffusionConfig
    variant: str = Field(default="mini-96", pattern="^[a-z0-9-]+$", description="Name of the weights that come out.")
    start_from: str | None = Field(default=None, description="Shipped weights by name, or a file, of the same sizes.")
    phases: tuple[Phase, ...]
    scale_crops: int = Field(default=256, ge=1, description="Crops from which the latents' scale is taken.")
    validation_levels: tuple[int, ...] = Field(default=(21, 81, 181, 281, 401), min_length=1)

    @model_validator(mode="after")
    def _a_teacher_is_known(self) -> Self:
        for phase in self.phases:
            if phase.teacher_steps and (phase.trains != "denoiser" or self.start_from is None):
                raise ValueError(f"{phase.name}: teacher_steps: expected start_from, and a phase that trains: denoiser")
        return self
