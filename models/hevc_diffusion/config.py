"""What the training of HEVC's diffusion receiver is made of, read from one YAML file."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ..pixel_diffusion.config import DenoisingRecipe

__all__ = ["TrainConfig"]


class TrainConfig(DenoisingRecipe):
    """The recipe; x265 codes each crop anew, and no channel is crossed: what arrives is the file, or nothing."""

    variant: str = Field(default="d", pattern="^[a-z-]+$", description="Name of the weights that come out.")
    start_from: str | None = Field(default=None, description="Shipped weights by name, or a file; null: random.")
    qp: tuple[float, float] = Field(default=(16.0, 48.0), description="Range of QP, drawn evenly.")
    preset: str = Field(default="slow", description="Of x265.")
    halved_share: float = Field(default=0.2, ge=0, le=1, description="Share of crops that are coded at half the sides.")
    validation_qp: tuple[float, ...] = Field(default=(24.0, 29.0, 34.0, 39.0), min_length=1)

    @model_validator(mode="after")
    def _qp_fits(self) -> Self:
        if not 0 <= self.qp[0] <= self.qp[1] <= 51:
            raise ValueError(f"qp: expected a range within 0 to 51, got {self.qp}")
        return self
