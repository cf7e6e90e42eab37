"""Frames of plain networks, which make the same number of features of every patch. Needs no torch."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ...sim.side_information.image_shape import ImageShape
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reception, Role
from ..config import Config
from ..pixels import padded, to_pixels

__all__ = ["PlainAbout", "PlainCodec", "PlainConfig"]


class PlainConfig(Config):
    """What the configuration of such a network says at least."""

    patch: int = Field(ge=1, le=1024, description="Side of a patch in pixels.")
    features: int = Field(ge=1, description="Real values of one patch.")


class PlainAbout(About):
    """What is known of a network: what its configuration says."""

    patch: int = Field(ge=1, le=1024)
    features: int = Field(ge=1)


class PlainCodec(PictureCodec[PlainAbout, Config, Config]):
    """A network behind two functions; a system's own class adds ``numbers``.

    Pictures are continued at their lower and right edge up to whole patches, and cut afterwards. The header is
    ImageShape and ModelId.
    """

    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": Ports({"image": ("uint8", 3)}, {"features": ("float32", 3)}),
        "decoder": Ports({"features": ("float32", 3), "n0": ("float32", 3)}, {"picture": ("float32", 3)}),
    }
    knows = PlainAbout

    def encode(self, picture: Pixels, sending: Config) -> Frame:
        """Return the frame of a picture."""
        self.check_picture(picture)
        features = self.engine.run("features", image=padded(picture, self.about.patch))
        return Frame(features.reshape(-1), (ImageShape(*picture.shape[:2]), self.model))

    def decode(self, reception: Reception, receiving: Config) -> Pixels:
        """Return the picture of a frame."""
        shape, patch = self.shape_of(reception), self.about.patch
        rows, columns = -(-shape.height // patch), -(-shape.width // patch)
        values = self.values(reception, self.about.features * rows * columns, shape)
        features, n0 = (each.reshape(self.about.features, rows, columns) for each in values)
        return to_pixels(self.engine.run("picture", features=features, n0=n0), shape)
