"""Pictures to latents, and what is received of them back to pictures. Needs no torch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.latent_mode import STEPS
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reception, Role
from ..config import Config
from ..frame_noise import FadingAware, known_n0, noise_in_values
from ..pixels import padded, to_pixels
from .names import NUMBERS
from .sampler import denoise

__all__ = ["Codec", "DenoiserAbout", "Receiving"]

Latent = NDArray[np.float32]


class DenoiserAbout(About):
    """What is known of a network.

    Attributes:
        stride: Pixels a side of one latent.
        channels: Of the latents.
    """

    stride: int = Field(ge=1, le=64)
    channels: int = Field(ge=1, le=64)


class Receiving(Config):
    """Settings of `Codec.decode`: those of ``decoders/latent_denoiser``."""

    steps: int = Field(4, ge=1, le=STEPS)
    fading_aware: FadingAware = "on"


class Codec(PictureCodec[DenoiserAbout, Config, Receiving]):
    """A network behind three functions: the latents of a picture, an estimate of clean ones, the picture of latents."""

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {}
    knows, receiving = DenoiserAbout, Receiving

    def encode(self, picture: Pixels, sending: Config) -> Frame:
        """Return the frame of a picture; header: ImageShape, ModelId."""
        self.check_picture(picture)
        latents: Latent = self.engine.run("latents", image=padded(picture, self.about.stride))
        return Frame(latents.reshape(-1), (ImageShape(*picture.shape[:2]), self.model))

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame."""
        shape = self.shape_of(reception)
        height, width = (-(-side // self.about.stride) for side in (shape.height, shape.width))
        grid = self.about.channels, height, width
        values, n0 = self.values(reception, int(np.prod(grid)), shape)
        noise = _even(known_n0(noise_in_values(values, n0), receiving.fading_aware).reshape(grid))
        received = _even(values.reshape(grid))
        clean: Latent = denoise(
            lambda latent, level: self.engine.run(
                "estimate", noisy=latent, received=received, noise=noise, level=np.array([level], np.float32)
            ),
            received / (1 + noise),
            reception.generator(None).standard_normal(received.shape, np.float32),
            receiving.steps,
        )
        return to_pixels(self.engine.run("picture", latents=clean[:, :height, :width]), shape)


def _even(latent: Latent) -> Latent:
    """Continue latents at their edges to even sides."""
    return np.pad(latent, ((0, 0), *((0, side % 2) for side in latent.shape[1:])), "edge")
