"""What the training of a coder's diffusion receiver is made of, read from one YAML file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ...sim.codecs.codec import PRESETS
from ..pixel_diffusion.config import DenoiserConfig, DenoisingRecipe

__all__ = ["CodedDenoiserConfig", "CoderName", "TrainConfig"]

CoderName = Literal["hevc", "vvc"]


class CodedDenoiserConfig(DenoiserConfig):
    """A denoiser of what a coder's pictures lack."""

    coder: CoderName = Field(default="hevc", description="Whose pictures.")


class TrainConfig(DenoisingRecipe):
    """The recipe; the coder is part of it, and no channel is crossed: what arrives is the file, or nothing."""

    model: CodedDenoiserConfig

    variant: str = Field(default="hevc-d", pattern="^[a-z-]+$", description="Name of the weights that come out.")
    start_from: str | None = Field(default=None, description="Shipped weights by name, or a file; null: random.")
    qp: tuple[float, float] = Field(default=(16.0, 48.0), description="Range of QP, drawn evenly.")
    preset: str | None = Field(default=None, description="Of the coder; null: slow of x265, medium of vvenc.")
    coded_crops: int | None = Field(
        default=None, ge=1, description="Crops that are coded before the first step; null: each is coded anew."
    )
    coded_side: int = Field(default=192, ge=16, multiple_of=2, description="Of those, pixels; phases cut from them.")
    coded_folder: str | None = Field(
        default=None,
        description="Folder that keeps them for other trainings; null: nothing keeps them.",
    )
    halved_share: float = Field(default=0.2, ge=0, le=1, description="Share of crops that are coded at half the sides.")
    validation_qp: tuple[float, ...] = Field(default=(24.0, 29.0, 34.0, 39.0), min_length=1)

    @model_validator(mode="after")
    def _qp_fits(self) -> Self:
        if not 0 <= self.qp[0] <= self.qp[1] <= 51:
            raise ValueError(f"qp: expected a range within 0 to 51, got {self.qp}")
        if not all(0 <= qp <= 51 for qp in self.validation_qp):
            raise ValueError(f"validation_qp: expected values within 0 to 51, got {self.validation_qp}")
        return self

    @model_validator(mode="after")
    def _coder_has_preset(self) -> Self:
        known = PRESETS[self.model.coder]
        if self.preset is not None and self.preset not in known:
            raise ValueError(f"preset: expected one of {', '.join(known)}, got {self.preset}")
        return self

    @model_validator(mode="after")
    def _crops_fit(self) -> Self:
        crop = max(phase.crop for phase in self.phases)
        if self.coded_crops is not None and crop > self.coded_side:
            raise ValueError(
                f"coded_side: expected no less than the phases' crop of {crop}, which is cut from it, got "
                f"{self.coded_side}"
            )
        return self
