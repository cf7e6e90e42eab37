"""Pictures to SwinJSCC frames and back. Needs no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from ...errors import SignalError
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.subset import Chosen
from ...sim.side_information.swin_mode import SwinMode
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reals, Reception, Role
from ..config import Config
from ..csit import Csit, reckoned_esn0_db
from ..pixels import padded, to_pixels
from .names import NUMBERS, RATES, Rate, Variant

__all__ = ["Codec", "Receiving", "Sending", "SwinAbout", "strongest"]


class SwinAbout(About):
    """What is known of a network.

    Attributes:
        variant: Which one; what the header says.
        stride: Side in pixels of what one position stands for.
        features: Of a position, sent or not.
        rates: How many of them are sent, by rate.
        channels: Which of them: the first, or those of the greatest gates, which the header tells.
    """

    variant: Variant
    stride: int = Field(ge=1, le=1024)
    features: int = Field(ge=1, lt=512)
    rates: dict[Rate, PositiveInt] = Field(min_length=1)
    channels: Literal["first", "chosen"]


class Sending(Config):
    """Settings of `Codec.encode`: those of ``encoders/swinjscc``."""

    rate: Rate = "1/12"
    csit: Csit = "mean"
    esn0_db: float = Field(10.0, ge=-30, le=60)


class Receiving(Config):
    """Settings of `Codec.decode`: none, the header says all."""


class Codec(PictureCodec[SwinAbout, Sending, Receiving]):
    """A network behind two functions.

    Pictures are continued at their lower and right edge up to a multiple of the stride, and cut afterwards; what that
    adds is sent, and so charged. Features go position by position, in each the sent channels in their order. Which
    these are is told in the header, where it does not follow from the rate.
    """

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": Ports(
            {"image": ("uint8", 3), "count": ("float32", 1), "esn0_db": ("float32", 1)}, {"features": ("float32", 2)}
        ),
        "decoder": Ports(
            {
                "features": ("float32", 3),
                "n0": ("float32", 3),
                "count": ("float32", 1),
                "esn0_db": ("float32", 1),
                "met_db": ("float32", 1),
            },
            {"picture": ("float32", 3)},
        ),
    }
    knows, sending, receiving = SwinAbout, Sending, Receiving

    def encode(self, picture: Pixels, sending: Sending) -> Frame:
        """Return the frame of a picture; header: ImageShape, ModelId, SwinMode."""
        self.check_picture(picture)
        count = self._count(sending.rate)
        esn0_db = reckoned_esn0_db(sending.csit, sending.esn0_db)
        every = self.engine.run(
            "features", image=padded(picture, self.about.stride), count=_one(count), esn0_db=_one(esn0_db)
        )
        strength, rows = every[0], every[1:]
        told: Chosen | None = None
        if self.about.channels == "chosen":
            told = self.about.features, strongest(strength, count)
        features = rows[:, _places(told, count)].astype(np.float32).reshape(-1)
        shape, mode = ImageShape(*picture.shape[:2]), SwinMode(RATES.index(sending.rate), esn0_db, told)
        return Frame(features, (shape, self.model, mode))

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame."""
        shape, mode = self.shape_of(reception), reception.header.read(SwinMode)
        count = self._count(self._rate(mode))
        self._check_channels(mode.channels, count)
        rows, columns = (-(-side // self.about.stride) for side in (shape.height, shape.width))
        features, n0 = self.values(reception, rows * columns * count, shape)
        n0 = np.maximum(n0, np.float32(1e-6))
        picture = self.engine.run(
            "picture",
            features=self._widened(features, mode.channels, (rows, columns, count), 0.0),
            n0=self._widened(n0, mode.channels, (rows, columns, count), 1.0),
            count=_one(count),
            esn0_db=_one(mode.esn0_db),
            met_db=_one(_met_db(n0)),
        )
        return to_pixels(picture, shape)

    def _rate(self, mode: SwinMode) -> Rate:
        if mode.rate_index >= len(RATES):
            raise SignalError(f"{self.system}: expected one of the {len(RATES)} rates, got number {mode.rate_index}")
        return RATES[mode.rate_index]

    def _count(self, rate: Rate) -> int:
        known = self.about.rates
        if rate not in known:
            raise SignalError(
                f"{self.system}: expected a rate of {', '.join(known)}, got {rate!r}; other weights may have it"
            )
        return known[rate]

    def _check_channels(self, told: Chosen | None, count: int) -> None:
        known = self.about
        if (told is None) != (known.channels == "first"):
            raise SignalError(
                f"{self.system}: expected a header that {'names no' if told else 'names the'} channels, got another; "
                "give encoder and decoder weights of one training"
            )
        if told is not None and (told[0], len(told[1])) != (known.features, count):
            raise SignalError(
                f"{self.system}: expected {count} channels of {known.features}, as the rate says, got {len(told[1])} "
                f"of {told[0]}; the header is of another frame"
            )

    def _widened(self, values: Reals, told: Chosen | None, grid: tuple[int, int, int], fill: float) -> Reals:
        """Return all channels of every position, with ``fill`` where nothing was sent."""
        whole = np.full((*grid[:2], self.about.features), fill, np.float32)
        whole[:, :, _places(told, grid[2])] = values.reshape(grid)
        return whole


def strongest(strength: NDArray[np.float32], count: int) -> tuple[int, ...]:
    """Numbers of the channels with the greatest strengths, rising; of equal ones the first."""
    return tuple(sorted(np.argsort(-strength, kind="stable")[:count].tolist()))


def _places(told: Chosen | None, count: int) -> list[int]:
    return list(range(count)) if told is None else list(told[1])


def _one(value: float) -> NDArray[np.float32]:
    return np.array([value], np.float32)


def _met_db(n0: Reals) -> float:
    """The Es/N0 in dB of an AWGN channel with the mean capacity of these symbols, -15 to 25."""
    capacity = np.mean(np.log1p(1 / n0.astype(np.float64)))
    return float(np.clip(10 * np.log10(max(np.expm1(capacity), 1e-3)), -15, 25))
