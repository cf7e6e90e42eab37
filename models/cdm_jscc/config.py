"""What a CDM-JSCC network and its training are made of, read from one YAML file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..config import Config
from ..deepjscc.config import AdaptiveConfig
from ..ntscc.config import NtsccConfig
from ..pixel_diffusion.config import DenoiserConfig, DenoisingPhase, DenoisingRecipe

__all__ = [
    "CdmConfig",
    "DeepJsccBackbone",
    "NtcBackbone",
    "NtsccBackbone",
    "Part",
    "Phase",
    "TrainConfig",
]

Part = Literal["basis", "transform", "entropy", "jscc", "denoiser"]


class NtcBackbone(Config):
    """The paper's transmitter: a learned transform, and MLLA blocks that turn its latents into symbols."""

    kind: Literal["ntc"] = "ntc"
    widths: tuple[int, int, int, int] = Field(default=(64, 128, 192, 256), description="Of the transform's layers.")
    context_width: int = Field(default=64, ge=1, description="Channels of the finest context.")
    hyper_width: int = Field(default=256, ge=1, description="Channels of z.")
    blocks: int = Field(default=3, ge=1, description="MLLA blocks at each end.")
    heads: int = Field(default=8, ge=1)
    mlp_ratio: int = Field(default=4, ge=1)


class DeepJsccBackbone(Config):
    """A DeepJSCC network made rate-adaptive: its KLT components are the latents."""

    kind: Literal["deepjscc"] = "deepjscc"
    network: AdaptiveConfig = AdaptiveConfig()
    step: float = Field(default=0.1, gt=0, description="Quantiser step whose entropy sets the rates; pixels in [0, 1].")
    hyper_width: int = Field(default=48, ge=1, description="Channels of z.")
    width: int = Field(default=64, ge=4, description="Channels of the MLLA blocks.")
    blocks: int = Field(default=2, ge=1, description="MLLA blocks at each end.")
    heads: int = Field(default=4, ge=1)
    mlp_ratio: int = Field(default=4, ge=1)


class NtsccBackbone(Config):
    """An NTSCC network as it is: its latents, its entropy model and its code."""

    kind: Literal["ntscc"] = "ntscc"
    network: NtsccConfig


class CdmConfig(DenoiserConfig):
    """Sizes of the whole."""

    backbone: Annotated[NtcBackbone | DeepJsccBackbone | NtsccBackbone, Field(discriminator="kind")]
    clip: float = Field(default=1.0, gt=0, description="Bound of a predicted picture, or of a predicted residual.")

    @model_validator(mode="after")
    def _context_fits(self) -> Self:
        if self.backbone.kind == "ntscc" and self.unet.unshuffle != 4:
            raise ValueError(
                f"unet.unshuffle: expected 4, as fine as what a backbone of kind 'ntscc' hands over, got "
                f"{self.unet.unshuffle}"
            )
        return self


class Phase(DenoisingPhase):
    """A stretch of the training."""

    trains: tuple[Part, ...] = Field(min_length=1, description="What learns; the rest is frozen.")
    crop: int = Field(ge=16, multiple_of=16, description="Side of the crops in pixels.")
    channel: bool = Field(default=True, description="Symbols cross the channel; else the latents are handed over.")
    denoise: bool = Field(default=True, description="The loss is the denoiser's; else that of the estimate before it.")
    bits_weight: float = Field(default=0.0, ge=0, description="Weight of bits per pixel (beta).")


class TrainConfig(DenoisingRecipe):
    """The recipe."""

    model: CdmConfig
    variant: str = Field(default="d", pattern="^[a-z-]+$", description="Name of the weights that come out.")
    phases: tuple[Phase, ...]
    start_from: str | None = Field(
        default=None,
        description="`deepjscc`: the shipped network as the backbone; `ntscc/NAME` or a file of NTSCC weights: that "
        "network; shipped CDM-JSCC weights by name, or a file; null: random.",
    )
    eta: tuple[float, float] = Field(default=(0.05, 1.0), description="Range of eta, drawn evenly in the logarithm.")
    fading_share: float = Field(default=0.2, ge=0, le=1, description="Share of frames over Rayleigh fading.")
    weight_bounds: tuple[float, float] = Field(default=(1.0, 5.0), description="Bounds of the SNR weight of the loss.")
    warmup_steps: int = Field(default=100, ge=0)
    fit_crops: int = Field(default=1500, ge=1, description="Crops from which variances by rate are taken.")
    validation_crop: int = Field(default=256, ge=16)
    validation_pictures: int = Field(default=24, ge=1)

    @model_validator(mode="after")
    def _phases_fit(self) -> Self:
        for phase in self.phases:
            kind = self.model.backbone.kind
            if kind == "ntc" and not phase.denoise:
                raise ValueError(f"phase {phase.name}: denoise: expected true; 'ntc' has no other estimate")
            if kind != "ntc" and not phase.channel:
                raise ValueError(f"phase {phase.name}: channel: expected true; '{kind}' cannot do without")
            if kind == "ntscc" and "jscc" in phase.trains:
                raise ValueError(f"phase {phase.name}: trains: expected no 'jscc'; all of 'ntscc' is 'transform'")
        return self
