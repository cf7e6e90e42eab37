"""What the latent denoiser and its training are made of, read from one YAML file."""

from __future__ import annotations

from pydantic import Field

from ..config import Config
from ..latent_diffusion.config import AutoencoderConfig
from ..training.recipe import LearningPhase, Recipe

__all__ = ["DenoiserConfig", "LatentDenoiserConfig", "TrainConfig"]


class DenoiserConfig(Config):
    """Sizes of the denoiser, of two levels; the second has half the sides."""

    widths: tuple[int, int] = (64, 128)
    blocks: tuple[int, int] = Field(default=(3, 4), description="Of each level; the first has as many on the way up.")
    expansion: int = Field(default=4, ge=1, description="Channels in the middle of a block, over its width.")
    embedding: int = Field(default=64, ge=4, multiple_of=4, description="Length of what modulates the filters.")
    norm_groups: int = Field(default=8, ge=1)


class LatentDenoiserConfig(Config):
    """Sizes of the whole."""

    autoencoder: AutoencoderConfig
    denoiser: DenoiserConfig = DenoiserConfig()


class TrainConfig(Recipe):
    """The recipe: it learns over the channel of `Recipe`, on latents of an autoencoder that stays as it is."""

    model: LatentDenoiserConfig
    variant: str = Field(default="mini-96", pattern="^[a-z0-9-]+$", description="Name of the weights that come out.")
    start_from: str = Field(description="Weights of latent-diffusion, by name or a file, whose autoencoder is taken.")
    phases: tuple[LearningPhase, ...]
    validation_esn0_db: tuple[float, ...] = Field(default=(0.0, 5.0, 10.0, 20.0), min_length=1)
