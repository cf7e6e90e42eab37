"""What both `encoders/image_codec` and `encoders/coded_link` are told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ...errors import UsageError
from ...models.ratio import Ratio
from ...sim.codecs.codec import CodecName
from ...sim.links.capacity import Fading
from ...sim.links.mcs import parse_scheme
from ..params import BlockParams, Live

__all__ = ["CoderParams"]


def _eighths(scales: tuple[float, ...]) -> tuple[float, ...]:
    if not all(scale * 8 in range(1, 9) for scale in scales):
        raise ValueError(f"expected multiples of 1/8, from 0.125 to 1, got {list(scales)}")
    return scales


def _scheme(name: str) -> str:
    if name not in ("adapted", "capacity"):
        try:
            parse_scheme(name)
        except UsageError as error:
            raise ValueError(f"expected adapted, capacity or a scheme; {error}") from None
    return name


class CoderParams(BlockParams):
    """Parameters of a picture coder at a budget of channel uses, and of the scheme that carries its files."""

    codec: CodecName = Field("hevc", description="Source coder.")
    cbr: Live[Ratio] = Field(
        "1/12", description="Complex channel uses, header included, over 3 H W: a number, or a fraction as a text."
    )
    scheme: Live[Annotated[str, AfterValidator(_scheme)]] = Field(
        "adapted", description="adapted, capacity, or modulation and code rate such as 16qam-1/2."
    )
    csit: Literal["mean", "none"] = Field(
        "mean",
        description="What the transmitter knows of the channel: its mean Es/N0, or nothing (scheme must be fixed).",
    )
    esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
    failure_rate: Live[float] = Field(
        0.01,
        gt=0,
        lt=1,
        description="Share of pictures that may be lost: by adapted over AWGN, by capacity over block fading.",
    )
    fading: Fading = Field("none", description="Law of the gain that capacity reckons with; see channels/capacity.")
    coherence: Literal["fast", "block"] = Field("fast", description="Of that fading.")
    k_db: Live[float] = Field(6.0, ge=-40, le=60, description="Its K factor in dB, of rician.")
    scales: Annotated[tuple[float, ...], AfterValidator(_eighths)] = Field(
        (1.0,), min_length=1, max_length=8, description="Scales of the sides to try, in multiples of 1/8."
    )
    preset: Literal["ultrafast", "veryfast", "fast", "medium", "slow", "slower"] = Field(
        "slow", description="Of hevc: how long x265 looks for the best choice."
    )
    parameter_sets: Literal["sent", "agreed"] = Field(
        "sent", description="Of hevc: in the file (some 80 bytes), or made by both ends from the picture's size."
    )
    wavelet: Literal["9-7", "5-3"] = Field(
        "9-7", description="Of jpeg2000: 9-7 for the best PSNR, or 5-3, which is lossless where the budget allows."
    )
    on_too_small: Literal["fail", "send_nothing"] = Field(
        "fail",
        description="A budget below the smallest file: an error, or a frame without a picture (a counted failure).",
    )

    @model_validator(mode="after")
    def _knows_enough(self) -> CoderParams:
        if self.csit == "none" and self.scheme in ("adapted", "capacity"):
            raise ValueError(f"csit: none needs a fixed scheme such as qpsk-1/2, got {self.scheme}")
        return self
