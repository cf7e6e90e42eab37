"""What an SC-SIC network and its training are made of, read from one YAML file."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..config import Config
from ..objective import Objective
from ..training.recipe import LearningPhase, Recipe

__all__ = [
    "Downscale",
    "EfficientNetConfig",
    "Part",
    "Phase",
    "ScSicConfig",
    "SmallEncoderConfig",
    "StageAConfig",
    "StageBConfig",
    "TrainConfig",
]

Part = Literal["stage_a", "encoder", "stage_b"]
Downscale = Annotated[float, Field(gt=0, le=1)]


class EfficientNetConfig(Config):
    """EfficientNet-V2-S with Stable Cascade's head: stride 32 behind a downscaling of the picture."""

    kind: Literal["efficientnet"] = "efficientnet"
    channels: int = Field(default=16, ge=1, description="Of the embedding.")
    downscale: Downscale = Field(default=0.75, description="Of the picture's sides, before the network.")
    width: float = Field(default=1.0, gt=0, le=1, description="Times the channels of each stage; 1 for EfficientNet's.")
    depth: float = Field(default=1.0, gt=0, le=1, description="Times the layers of each stage; 1 for EfficientNet's.")

    @property
    def stride(self) -> int:
        """Pixels a side, of the downscaled picture, that one embedding vector stands for."""
        return 32


class SmallEncoderConfig(Config):
    """A linear transform of patches with a convolutional correction."""

    kind: Literal["small"] = "small"
    channels: int = Field(default=16, ge=1, description="Of the embedding.")
    stride: Literal[16, 32] = Field(default=16, description="Pixels a side that one embedding vector stands for.")
    downscale: Downscale = Field(default=1.0, description="Of the picture's sides, before the network.")
    width: int = Field(default=64, ge=4, description="Channels at an eighth of the picture's sides, and below.")
    blocks: int = Field(default=2, ge=1, description="Residual blocks at each of the scales.")
    design_esn0_db: float = Field(default=10.0, description="The linear transform shares its power out for this Es/N0.")


class StageAConfig(Config):
    """Sizes of the autoencoder, `PaellaVQModel`; the picture's sides shrink by 4."""

    width: int = Field(default=384, ge=4, multiple_of=2, description="Channels at a quarter of the sides.")
    blocks: int = Field(default=12, ge=1, description="Residual blocks of the decoder at a quarter of the sides.")
    latent_channels: int = Field(default=4, ge=1)
    codebook: int = Field(default=8192, ge=1, description="Vectors of the quantiser, which this system goes around.")
    scale: float = Field(default=0.43, gt=0, description="Latents are divided by it behind the encoder.")


class StageBConfig(Config):
    """Sizes of the denoiser, `StableCascadeUNet`."""

    widths: tuple[int, ...] = Field(default=(320, 576, 1152, 1152), min_length=1)
    heads: tuple[int, ...] = Field(default=(0, 0, 18, 18), description="Of attention, by level; 0 for none.")
    down_layers: tuple[int, ...] = (2, 4, 14, 4)
    up_layers: tuple[int, ...] = (4, 14, 4, 2)
    up_repeats: tuple[int, ...] = Field(default=(2, 2, 2, 2), description="How often each level runs on the way up.")
    dropout: tuple[float, ...] = (0.0, 0.0, 0.1, 0.1)
    patch: Literal[1, 2, 4] = Field(default=2, description="Latents come in blocks of so many a side.")
    text_width: int = Field(default=1280, ge=1, description="Of the text condition, which is zero here.")
    text_tokens: int = Field(default=4, ge=1)
    prior: Literal["none", "linear"] = Field(
        default="none",
        description="linear: the network corrects the least-squares estimate from the embedding; none: it learns all.",
    )
    told: Literal["nothing", "noise"] = Field(
        default="nothing", description="What it is told of the channel: nothing, or how noisy the embedding is."
    )
    objective: Objective = Field(
        default="diffusion",
        description="regression: the same network is told t = 1 and no noisy latents in training too, and predicts the "
        "clean ones at once; there is one step.",
    )

    @model_validator(mode="after")
    def _one_entry_a_level(self) -> Self:
        levels = len(self.widths)
        for name in ("heads", "down_layers", "up_layers", "up_repeats", "dropout"):
            if len(getattr(self, name)) != levels:
                raise ValueError(f"{name}: expected {levels} entries, one a level")
        return self

    @model_validator(mode="after")
    def _regression_corrects_an_estimate(self) -> Self:
        if self.objective == "regression" and self.prior == "none":
            raise ValueError("prior: expected linear where 'objective' is regression: the network corrects that")
        return self


class ScSicConfig(Config):
    """Sizes of the whole."""

    semantic: Annotated[EfficientNetConfig | SmallEncoderConfig, Field(discriminator="kind")] = EfficientNetConfig()
    stage_a: StageAConfig = StageAConfig()
    stage_b: StageBConfig = StageBConfig()

    @property
    def stride(self) -> int:
        """What the sides of pictures must be multiples of."""
        # stage A halves the sides twice, stage B takes blocks of latents and halves them between its levels
        return math.lcm(self.semantic.stride, 4 * self.stage_b.patch * 2 ** (len(self.stage_b.widths) - 1))


class Phase(LearningPhase):
    """A stretch of the training."""

    trains: tuple[Part, ...] = Field(min_length=1, description="What learns; the rest is frozen.")
    channel: bool = Field(default=True, description="The embedding crosses the channel; else it arrives clean.")
    esn0_db: tuple[float, float] | None = Field(
        default=None, description="Range of Es/N0 in dB in this phase; null: the recipe's."
    )
    downscale: tuple[Downscale, ...] = Field(
        default=(), description="Of pictures before the encoder, one drawn for each batch; empty: the network's own."
    )
    noise: Literal["white", "pyramid"] = Field(default="pyramid", description="Of the diffusion.")
    embedding_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="Share of samples without embedding, for guidance."
    )
    end_share: float = Field(default=0.0, ge=0, le=1, description="Share of samples drawn at t = 1.")
    pixel_weight: float = Field(default=0.0, ge=0, description="Weight of the decoded pictures' error.")
    perceptual_weight: float = Field(default=0.0, ge=0, description="Weight of their perceptual loss.")
    norms: Literal["moving", "fixed"] = Field(
        default="fixed", description="Whether statistics of batch normalisation follow the batches, where they train."
    )
    final_share: float = Field(default=1.0, gt=0, le=1, description="Of the learning rate, at its end (half a cosine).")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if "stage_a" in self.trains and len(self.trains) > 1:
            raise ValueError(f"phase {self.name}: trains: expected stage_a alone, or others without it")
        return self


class TrainConfig(Recipe):
    """The recipe."""

    model: ScSicConfig
    variant: str = Field(default="lite", pattern="^[a-z0-9-]+$", description="Name of the weights that come out.")
    start_from: str | None = Field(
        default=None,
        description="Shipped weights by name, a file, or a folder of Stable Cascade's published files. Of parts of "
        "other sizes in the first two those tensors are taken that fit; null: all is random.",
    )
    phases: tuple[Phase, ...]
    esn0_db: tuple[float, float] = Field(default=(1.0, 20.0), description="Range of Es/N0 in dB, drawn evenly.")
    fading_share: float = Field(default=0.0, ge=0, le=1, description="Share of frames over Rayleigh fading.")
    checkpointing: bool = Field(default=False, description="Compute activations twice and keep fewer of them.")
    warmup_steps: int = Field(default=1, ge=0)
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    fit_crops: int = Field(default=1024, ge=1, description="Crops from which the linear parts are taken.")
    validation_crop: int = Field(default=256, ge=128)
    validation_pictures: int = Field(default=24, ge=1)
    validation_esn0_db: tuple[float, ...] = Field(default=(1.0, 10.0, 20.0), min_length=1)

    @model_validator(mode="after")
    def _crops_fit(self) -> Self:
        stride = self.model.stride
        for phase in self.phases:
            if phase.crop % stride:
                raise ValueError(f"phase {phase.name}: crop: expected a multiple of {stride}, got {phase.crop}")
        return self
