"""What a training run is made of: the network's sizes and the recipe, read from one YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import UsageError
from ..perceptual.build import PerceptualLoss
from .rates import RATES, Rate

__all__ = ["AdaptiveConfig", "FiveLayerConfig", "LinearConfig", "NetworkConfig", "Phase", "Record", "TrainConfig"]


class Record(BaseModel):
    """Frozen, closed, finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AdaptiveConfig(Record):
    """Sizes of the SNR-adaptive network."""

    network: Literal["adaptive"] = "adaptive"
    patch: int = Field(
        default=16, ge=2, multiple_of=2, description="Side of a KLT patch; the networks work at half of it."
    )
    width: int = Field(default=128, ge=1, description="Channels of the residual networks.")
    encoder_blocks: int = Field(default=3, ge=1)
    decoder_blocks: int = Field(default=4, ge=1)
    condition_width: int = Field(default=64, ge=1, description="Hidden width of the conditioning.")
    rates: tuple[Rate, ...] = RATES


class LinearConfig(Record):
    """Sizes of the linear code."""

    network: Literal["linear"] = "linear"
    patch: int = Field(default=16, ge=2, description="Side of a KLT patch.")
    rates: tuple[Rate, ...] = RATES


class FiveLayerConfig(Record):
    """Sizes of the network of Bourtsoulatze et al. 2019."""

    network: Literal["five-layer"] = "five-layer"
    variant: Literal["gdn", "prelu"] = Field(
        default="gdn",
        description="gdn: sides 9, 5, 5, 5, 5 with GDN and PReLU; prelu: sides 5, PReLU.",
    )
    filters: tuple[int, int, int, int] = Field(default=(256, 256, 256, 256), description="Of the first four layers.")
    rate: Rate = "1/12"


ConstellationOrder = Literal[2, 4, 6, 8, 10, 12]

NetworkConfig = Annotated[AdaptiveConfig | FiveLayerConfig | LinearConfig, Field(discriminator="network")]


class Phase(Record):
    """A stretch of the training with crops of one size."""

    until: float = Field(gt=0, le=1, description="Share of the budget at which the phase ends.")
    crop: int = Field(ge=8, description="Side of the crops in pixels. One crop is one frame of unit power.")
    batch: int = Field(ge=1)


class TrainConfig(Record):
    """The recipe."""

    model: NetworkConfig
    seed: int = Field(default=1, ge=0)
    steps: int | None = Field(default=None, ge=1, description="Budget in steps.")
    minutes: float | None = Field(default=None, gt=0, description="Budget in minutes of training, over all restarts.")
    phases: tuple[Phase, ...] = (Phase(until=1.0, crop=128, batch=16),)
    esn0_db: tuple[float, float] = Field(
        default=(0.0, 20.0), description="Range of Es/N0 in dB, drawn evenly per frame."
    )
    fading_share: float = Field(
        default=0.3, ge=0, le=1, description="Share of frames over Rayleigh: half block, half fast."
    )
    bits_per_symbol: tuple[ConstellationOrder, ...] = Field(
        default=(), description="Constellations, one drawn for each batch; none: symbols are not constrained."
    )
    softness: tuple[float, float] = Field(
        default=(1.0, 3.0),
        description="Of the soft assignment, from the first step to the last; in units of the squared point distance.",
    )
    perceptual: PerceptualLoss = Field(default="none", description="A loss in the features of another network.")
    perceptual_weight: float = Field(default=0.5, ge=0, le=1, description="Of that loss; of the other: 1 less it.")
    perceptual_scale: float = Field(default=1.0, gt=0, description="Of the perceptual loss, before its weight.")
    start_from: Literal["adaptive", "linear"] | None = Field(
        default=None, description="Shipped weights to start from; null: the closed-form start of the training pictures."
    )
    rate_weights: dict[Rate, float] = Field(default_factory=dict, description="How often each is drawn; default 1.")
    learning_rate: float = Field(default=1e-3, gt=0)
    linear_learning_rate: float = Field(default=5e-5, ge=0, description="Learning rate of the KLT bases.")
    warmup_steps: int = Field(default=200, ge=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    loss_offset: float = Field(
        default=0.3,
        gt=0,
        description="A frame's loss: log(offset + MSE / running MSE of its SNR and rate). Small: PSNR; large: MSE.",
    )
    precision: Literal["float32", "bfloat16"] = Field(default="bfloat16", description="In training only.")
    threads: int = Field(default=2, ge=1, description="CPU threads of torch.")
    fit_patches: int = Field(default=100_000, ge=100, description="Patches from which the KLT is taken.")
    picture_weights: dict[str, float] = Field(default_factory=dict, description="How often a file is drawn, by prefix.")
    halve: tuple[str, ...] = Field(default=(), description="Prefixes whose pictures are halved first (lossy files).")
    split_like: dict[str, str] = Field(
        default_factory=dict, description="prefix: other prefix; same number, same picture, same side of the split."
    )
    checkpoint_minutes: float = Field(default=2.0, gt=0)
    validate_minutes: float = Field(default=5.0, gt=0)
    validation_crop: int = Field(default=256, ge=8)
    validation_pictures: int = Field(default=48, ge=1)

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("expected one of 'steps' and 'minutes'")
        if self.phases[-1].until != 1 or any(
            a.until >= b.until for a, b in zip(self.phases, self.phases[1:], strict=False)
        ):
            raise ValueError("phases: expected 'until' to rise up to 1")
        return self

    @classmethod
    def read(cls, path: Path) -> TrainConfig:
        """Read a YAML file.

        Raises:  UsageError: the file cannot be read, or says something that is not a recipe.
        """
        import yaml

        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"{path}: expected a YAML file of a training recipe: {error}") from error
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            lines = (f"{path}: {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
            raise UsageError("\n".join(lines)) from error
