"""Sizes of a SwinJSCC network. Needs no torch."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from ..config import Config
from .names import RATES, Rate, channels_of

__all__ = ["BASE", "SwinConfig"]


class SwinConfig(Config):
    """Sizes, from the finest level to the coarsest.

    ``bypass: klt`` is this project's own: the windows work beside a linear code, and start from what it does. The
    public networks have none, choose their channels by the gates of Rate ModNet and tell which.
    """

    patch: int = Field(4, ge=1, description="Side in pixels of what becomes one position of the finest level.")
    widths: tuple[PositiveInt, ...] = Field((96, 160, 256), min_length=1, description="Of the levels.")
    encoder_depths: tuple[PositiveInt, ...] = Field((2, 2, 2), description="Windowed blocks of each level.")
    decoder_depths: tuple[PositiveInt, ...] = Field((5, 5, 4), description="Likewise.")
    head_width: int = Field(32, ge=1, description="Of one head of the attention.")
    window: int = Field(8, ge=2, description="Side of a window in positions.")
    expansion: int = Field(4, ge=1, description="Hidden width of a block's two layers, in widths.")
    snr_modnet: bool = Field(default=True, description="Gates of both ends that know the Es/N0 (Channel ModNet).")
    rate_modnet: bool = Field(default=True, description="Gates of the encoder that know the rate (Rate ModNet).")
    modnet_stages: int = Field(3, ge=1, description="Layers of a ModNet that are told.")
    modnet_width: int = Field(128, ge=1, description="Of these.")
    head: int | None = Field(None, ge=1, description="Features behind a last layer; null: the coarsest width, as is.")
    channels: Literal["first", "chosen"] = Field(
        "first",
        description="Which are sent: the first of them, or those with the greatest gates, which costs a header.",
    )
    bypass: Literal["klt", "none"] = Field("klt", description="A linear code beside the windows.")
    rates: tuple[Rate, ...] = Field(RATES, min_length=1)
    esn0_db: tuple[float, float] = Field((0.0, 20.0), description="What the ModNets are told at least and at most.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        levels = len(self.widths)
        if (len(self.encoder_depths), len(self.decoder_depths)) != (levels, levels):
            raise ValueError(f"expected {levels} depths of either end, one for each of 'widths'")
        if uneven := [width for width in self.widths if width % self.head_width]:
            raise ValueError(f"widths: expected multiples of head_width, {self.head_width}, got {uneven[0]}")
        if broken := [rate for rate in self.rates if (6 * self.stride**2 * Fraction(rate)).denominator != 1]:
            raise ValueError(
                f"rates: expected a whole number of features for {self.stride} x {self.stride} pixels, got "
                f"{broken[0]}; leave it out, or raise patch or the number of levels"
            )
        if self.bypass == "klt" and (self.head != self.most or self.channels != "first"):
            raise ValueError(f"bypass: klt needs 'head: {self.most}', the features of the highest rate, and the first")
        if self.most > self.features:
            greatest = max(self.rates, key=lambda rate: channels_of(rate, self.stride))
            raise ValueError(f"rates: {greatest} needs {self.most} features of {self.features} that there are")
        return self

    @property
    def stride(self) -> int:
        """Side in pixels of what one position of the coarsest level stands for."""
        return self.patch << (len(self.widths) - 1)

    @property
    def features(self) -> int:
        """How many there are at a position, sent or not."""
        return self.head or self.widths[-1]

    @property
    def most(self) -> int:
        """Features of a position that the highest rate sends."""
        return max(channels_of(rate, self.stride) for rate in self.rates)


BASE = SwinConfig(
    patch=2,
    widths=(128, 192, 256, 320),
    encoder_depths=(2, 2, 6, 2),
    decoder_depths=(2, 2, 6, 2),
    modnet_stages=7,
    modnet_width=480,
    head=None,
    channels="chosen",
    bypass="none",
    rates=("1/48", "1/24", "1/16", "1/12", "1/8"),
    esn0_db=(1.0, 13.0),
)
"""The published network with both ModNets, for pictures of 256 pixels and more."""
