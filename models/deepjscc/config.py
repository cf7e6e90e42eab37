"""What a training run is made of: the network's sizes and the recipe, read from one YAML file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from ..config import Config
from ..perceptual.discriminator import REDUCED, SPARE, Adversarial
from ..training.recipe import Recipe, Stretch
from .rates import RATES, Rate

__all__ = ["AdaptiveConfig", "FiveLayerConfig", "LinearConfig", "NetworkConfig", "TrainConfig"]


class AdaptiveConfig(Config):
    """Sizes of the SNR-adaptive network."""

    network: Literal["adaptive"] = "adaptive"
    patch: int = Field(
        default=16, ge=2, multiple_of=2, description="Side of a KLT patch; the networks work at half of it."
    )
    width: int = Field(default=128, ge=1, description="Channels of the residual networks.")
    encoder_blocks: int = Field(default=3, ge=1)
    decoder_blocks: int = Field(default=4, ge=1)
    fine_width: int = Field(default=96, ge=1, description="Channels of residual networks at a quarter of the patch.")
    encoder_fine_blocks: int = Field(default=0, ge=0, description="Of those, before the others; 0: none.")
    decoder_fine_blocks: int = Field(default=0, ge=0, description="Of those, behind the others; 0: none.")
    condition_width: int = Field(default=64, ge=1, description="Hidden width of the conditioning.")
    rates: tuple[Rate, ...] = RATES

    @model_validator(mode="after")
    def _has_a_quarter(self) -> Self:
        if self.patch % 4 and (self.encoder_fine_blocks or self.decoder_fine_blocks):
            raise ValueError(f"patch: expected a multiple of 4 where there are fine blocks, got {self.patch}")
        return self

    def grows_from(self, smaller: AdaptiveConfig) -> bool:
        """Whether such a network is a smaller one with fine blocks put to it, which add nothing before training."""
        without = {"encoder_fine_blocks": 0, "decoder_fine_blocks": 0, "fine_width": self.fine_width}
        return smaller == self or smaller.model_copy(update={"fine_width": self.fine_width}) == self.model_copy(
            update=without
        )


class LinearConfig(Config):
    """Sizes of the linear code."""

    network: Literal["linear"] = "linear"
    patch: int = Field(default=16, ge=2, description="Side of a KLT patch.")
    rates: tuple[Rate, ...] = RATES


class FiveLayerConfig(Config):
    """Sizes of the network of Bourtsoulatze et al. 2019."""

    network: Literal["five-layer"] = "five-layer"
    activation: Literal["gdn", "prelu"] = Field(
        default="gdn",
        validation_alias=AliasChoices("variant", "activation"),  # the former in recipes and cards
        description="gdn: sides 9, 5, 5, 5, 5 with GDN and PReLU; prelu: sides 5, PReLU.",
    )
    filters: tuple[int, int, int, int] = Field(default=(256, 256, 256, 256), description="Of the first four layers.")
    rate: Rate = "1/12"


ConstellationOrder = Literal[2, 4, 6, 8, 10, 12]

NetworkConfig = Annotated[AdaptiveConfig | FiveLayerConfig | LinearConfig, Field(discriminator="network")]


class TrainConfig(Recipe):
    """The recipe."""

    model: NetworkConfig
    phases: tuple[Stretch, ...] = (Stretch(until=1.0, crop=128, batch=16),)
    bits_per_symbol: tuple[ConstellationOrder, ...] = Field(
        default=(), description="Constellations, one drawn for each batch; none: symbols are not constrained."
    )
    softness: tuple[float, float] = Field(
        default=(1.0, 3.0),
        description="Of the soft assignment, from the first step to the last; in units of the squared point distance.",
    )
    perceptual_weight: float = Field(default=0.5, ge=0, le=1, description="Of that loss; of the other: 1 less it.")
    adversarial: Adversarial | None = Field(default=None, description="A loss that a discriminator makes beside it.")
    start_from: Literal["adaptive", "linear", "perceptual"] | None = Field(
        default=None, description="Shipped weights to start from; null: the closed-form start of the training pictures."
    )
    rate_weights: dict[Rate, float] = Field(default_factory=dict, description="How often each is drawn; default 1.")
    learning_rate: float = Field(default=1e-3, gt=0)
    linear_learning_rate: float = Field(default=5e-5, ge=0, description="Learning rate of the KLT bases.")
    loss_offset: float = Field(
        default=0.3,
        gt=0,
        description="A frame's loss: log(offset + MSE / running MSE of its SNR and rate). Small: PSNR; large: MSE.",
    )
    fit_patches: int = Field(default=100_000, ge=100, description="Patches from which the KLT is taken.")

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.adversarial is None:
            return self
        least = SPARE + max(REDUCED, 2 ** len(self.adversarial.widths))
        for crop in (phase.crop for phase in self.phases):
            if crop < least or crop % REDUCED:
                expected = f"crops of multiples of {REDUCED} from {least}"
                raise ValueError(f"phases: with 'adversarial' expected {expected}, got {crop}")
        return self

    @property
    def variant(self) -> str:
        """Name of the weights that come out."""
        if self.adversarial is not None:
            return "gan"
        if self.perceptual != "none":
            return "perceptual"
        return "quantised" if self.bits_per_symbol else self.model.network
