"""What both `encoders/image_codec` and `encoders/coded_link` are told."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ...sim.codecs.codec import PRESETS, CodecName
from .link_params import LinkParams

__all__ = ["CoderParams"]


def _eighths(scales: tuple[float, ...]) -> tuple[float, ...]:
    if not all(scale * 8 in range(1, 9) for scale in scales):
        raise ValueError(f"expected multiples of 1/8, from 0.125 to 1, got {list(scales)}")
    return scales


class CoderParams(LinkParams):
    """Parameters of a picture coder at a budget of channel uses, and of the scheme that carries its files."""

    codec: CodecName = Field("hevc", description="Source coder.")
    scales: Annotated[tuple[float, ...], AfterValidator(_eighths)] = Field(
        (1.0,), min_length=1, max_length=8, description="Scales of the sides to try, in multiples of 1/8."
    )
    preset: Literal["ultrafast", "veryfast", "faster", "fast", "medium", "slow", "slower"] | None = Field(
        None, description="Of hevc and vvc: how long the coder looks for the best choice; null: slow and medium."
    )
    parameter_sets: Literal["sent", "agreed"] = Field(
        "sent",
        description="Of hevc and vvc: in the file (60 to 80 bytes), or made by both ends from the picture's size.",
    )
    wavelet: Literal["9-7", "5-3"] = Field(
        "9-7", description="Of jpeg2000: 9-7 for the best PSNR, or 5-3, which is lossless where the budget allows."
    )
    files: str | None = Field(
        None,
        min_length=1,
        description="Folder that keeps coded files for other runs, for slow coders; null: only this process does.",
    )
    on_too_small: Literal["fail", "send_nothing"] = Field(
        "fail",
        description="A budget below the smallest file: an error, or a frame without a picture (a counted failure).",
    )

    @model_validator(mode="after")
    def _codec_has_preset(self) -> Self:
        known = PRESETS.get(self.codec, ())
        if self.preset is not None and known and self.preset not in known:
            raise ValueError(f"preset: expected one of {', '.join(known)} for codec {self.codec}, got {self.preset}")
        return self
