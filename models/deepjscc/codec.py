"""Pictures to DeepJSCC frames and back. Needs no torch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from ...errors import SignalError
from ...sim.side_information.constellation_frame import ConstellationOrder
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reals, Reception, Role
from ..config import Config
from ..csit import Csit, reckoned_esn0_db
from ..pixels import padded, to_pixels
from .names import NUMBERS, RATES, Rate, Variant

__all__ = ["Codec", "DeepJsccAbout", "Receiving", "Sending"]


class DeepJsccAbout(About):
    """What is known of a network.

    Attributes:
        variant: Which one; what the header says.
        patch: Side of a patch in pixels.
        rates: Real features of one patch by rate, in the order of the engine's input ``rate``.
    """

    variant: Variant
    patch: int = Field(ge=1, le=1024)
    rates: dict[Rate, PositiveInt] = Field(min_length=1)


class Sending(Config):
    """Settings of `Codec.encode`: those of ``encoders/deepjscc``."""

    rate: Rate = "1/12"
    bits_per_symbol: ConstellationOrder | None = None
    csit: Csit = "mean"
    esn0_db: float = Field(10.0, ge=-30, le=60)
    adaptation_steps: int = Field(0, ge=0, le=1000)


class Receiving(Config):
    """Settings of `Codec.decode`: none, the header says all."""


class Codec(PictureCodec[DeepJsccAbout, Sending, Receiving]):
    """A network behind two functions.

    Pictures are continued at their lower and right edge up to a multiple of the patch, and cut afterwards. Features go
    patch by patch, in each the strongest component first.
    """

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": Ports(
            {"image": ("uint8", 3), "rate": ("int64", 1), "esn0_db": ("float32", 1)}, {"features": ("float32", 2)}
        ),
        "decoder": Ports(
            {"features": ("float32", 3), "n0": ("float32", 3), "rate": ("int64", 1), "esn0_db": ("float32", 1)},
            {"picture": ("float32", 3)},
        ),
    }
    knows, sending, receiving = DeepJsccAbout, Sending, Receiving

    def encode(self, picture: Pixels, sending: Sending) -> Frame:
        """Return the frame of a picture; header: ImageShape, ModelId, JsccMode."""
        self.check_picture(picture)
        rate, known = sending.rate, self.about.rates
        self._check_rate(rate)
        esn0_db = reckoned_esn0_db(sending.csit, sending.esn0_db, sending.bits_per_symbol)
        told = {
            "image": padded(picture, self.about.patch),
            "rate": self._index(rate),
            "esn0_db": np.array([esn0_db], np.float32),
        }
        every = self.engine.run("features", **told)
        every, gain = self.adapted(every, sending.adaptation_steps, **told)
        features = np.ascontiguousarray(every[:, : known[rate]], np.float32).reshape(-1)
        shape, mode = ImageShape(*picture.shape[:2]), JsccMode(RATES.index(rate), esn0_db)
        return Frame(features, (shape, self.model, mode), gain)

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame."""
        shape, mode = self.shape_of(reception), reception.header.read(JsccMode)
        rate, known = RATES[mode.rate_index], self.about.rates
        self._check_rate(rate)
        rows, columns = (-(-side // self.about.patch) for side in (shape.height, shape.width))
        grid, widest = (rows, columns, known[rate]), max(known.values())
        features, n0 = self.values(reception, rows * columns * known[rate], shape)
        picture = self.engine.run(
            "picture",
            features=_widened(features.reshape(grid), widest, 0.0),
            n0=_widened(np.maximum(n0, np.float32(1e-6)).reshape(grid), widest, 1.0),
            rate=self._index(rate),
            esn0_db=np.array([mode.esn0_db], np.float32),
        )
        return to_pixels(picture, shape)

    def _index(self, rate: Rate) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([list(self.about.rates).index(rate)], np.int64)

    def _check_rate(self, rate: Rate) -> None:
        known = self.about.rates
        if rate not in known:
            raise SignalError(
                f"{self.system}: expected a rate of {', '.join(known)}, got {rate!r}; other weights may have it"
            )


def _widened(values: Reals, count: int, fill: float) -> Reals:
    """Return rows that are continued with a value up to ``count``."""
    return np.pad(values, ((0, 0), (0, 0), (0, count - values.shape[2])), constant_values=fill)
