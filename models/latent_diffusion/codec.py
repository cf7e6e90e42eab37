"""Pictures to partly inverted latents and back. Needs no torch."""

from __future__ import annotations

import logging
import zlib
from functools import partial
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.latent_mode import STEPS, LatentMode
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reception, Role
from ..config import Config
from ..frame_noise import FadingAware, known_n0, noise_in_values
from ..pixels import padded, to_pixels
from .ddim import Denoiser, Inversion, diffuse, invert
from .names import NUMBERS
from .receive import Plan, restore
from .schedule import LEVELS, level_of
from .step_rule import Sampling, Steps, matched_noise_to_signal

__all__ = ["Codec", "LatentAbout", "Receiving", "Sending"]

Latent = NDArray[np.float32]


class LatentAbout(About):
    """What is known of a network.

    Attributes:
        stride: Pixels a side of one latent; pictures are continued up to multiples of it.
        channels: Of the latents.
        denoiser_stride: The denoiser takes latents whose sides are multiples of it.
        text: Whether the denoiser is told what the picture shows.
    """

    stride: int = Field(ge=1, le=64)
    channels: int = Field(ge=1, le=64)
    denoiser_stride: int = Field(ge=1, le=64)
    text: bool = False


class Sending(Config):
    """Settings of `Codec.encode`: those of ``encoders/latent_diffusion``."""

    inversion_steps: int = Field(5, ge=0, le=STEPS)
    inversion: Inversion = "ddim"
    latent: Literal["mean", "sample"] = "mean"
    prompt: str = ""
    prompt_is: Literal["shared", "sent"] = "shared"
    inversion_guidance: float = Field(1.0, ge=0, le=30)


class Receiving(Config):
    """Settings of `Codec.decode`: those of ``decoders/latent_diffusion``."""

    inversion_steps: int = Field(5, ge=0, le=STEPS)
    inversion: Inversion = "ddim"
    steps: Sampling = "exact"
    rescale: Literal["on", "off"] = "on"
    fading_aware: FadingAware = "on"
    n0_error_db: float = Field(0.0, ge=-20, le=20)
    prompt: str = ""
    inversion_guidance: float = Field(1.0, ge=0, le=30)
    guidance: float = Field(1.0, ge=0, le=30)


class Codec(PictureCodec[LatentAbout, Sending, Receiving]):
    """A network behind three functions: the latents of a picture, the noise in latents, the picture of latents."""

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": Ports(
            {"image": ("uint8", 3), "noise": ("float32", 3), "latent": ("float32", 3), "level": ("float32", 1)},
            {"clean": ("float32", 3), "epsilon": ("float32", 3)},
        ),
        "decoder": Ports(
            {"clean": ("float32", 3), "latent": ("float32", 3), "level": ("float32", 1)},
            {"picture": ("float32", 3), "epsilon": ("float32", 3)},
        ),
    }
    knows, sending, receiving = LatentAbout, Sending, Receiving
    _reported = False

    def encode(self, picture: Pixels, sending: Sending) -> Frame:
        """Return the frame of a picture; header: ImageShape, ModelId, LatentMode."""
        self.check_picture(picture)
        denoiser = self._denoiser(sending.prompt, sending.inversion_guidance)
        rng = np.random.default_rng(zlib.crc32(picture.tobytes()))  # of the picture: a repeated run sends the same
        shape, image = ImageShape(*picture.shape[:2]), padded(picture, self.about.stride)
        noise = np.zeros(self._grid(shape), np.float32)
        if sending.latent == "sample":
            noise = rng.standard_normal(noise.shape, np.float32)
        clean: Latent = self._run("clean", image=image, noise=noise)
        if sending.inversion == "ddim":
            latent = invert(clean, denoiser, first=0, steps=sending.inversion_steps)
        else:
            latent = diffuse(clean, rng, first=0, steps=sending.inversion_steps)
        sent = sending.prompt if sending.prompt_is == "sent" else None
        return Frame(latent.reshape(-1), (shape, self.model, LatentMode(sending.inversion_steps, sent)))

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame."""
        shape, mode = self.shape_of(reception), reception.header.read(LatentMode)
        if mode.inversion_steps + receiving.inversion_steps > STEPS:
            raise SignalError(
                f"{self.system}: expected at most {STEPS} steps of inversion at both ends, got {mode.inversion_steps} "
                f"of the transmitter, as its header says, and {receiving.inversion_steps} here; take fewer"
            )
        grid = self._grid(shape)
        values, n0 = self.values(reception, int(np.prod(grid)), shape)
        n0 = n0 * np.float32(10 ** (receiving.n0_error_db / 10))
        plan = Plan(
            mode.inversion_steps,
            receiving.inversion_steps,
            receiving.steps,
            receiving.rescale == "on",
            receiving.inversion,
        )
        noise = known_n0(noise_in_values(values, n0), receiving.fading_aware).reshape(grid)
        self._report_too_much_noise(plan, noise)
        prompt = receiving.prompt if mode.prompt is None else mode.prompt
        denoiser = self._denoiser(prompt, receiving.guidance)
        inverter = self._denoiser(prompt, receiving.inversion_guidance)
        clean = restore(values.reshape(grid), noise, denoiser, plan, reception.generator(None), inverter)
        return to_pixels(self._run("picture", clean=clean), shape)

    def _grid(self, shape: ImageShape) -> tuple[int, int, int]:
        """Of the latents of a picture: channels, rows, columns."""
        return self.about.channels, -(-shape.height // self.about.stride), -(-shape.width // self.about.stride)

    def _denoiser(self, prompt: str, guidance: float) -> Denoiser[Latent]:
        """The denoiser that is told these words, so many times as strongly as none."""
        if self.about.text:
            return partial(self._epsilon, prompt=prompt, guidance=np.array([guidance], np.float32))
        if prompt or guidance != 1:
            raise SignalError(
                f"{self.system}: expected no prompt and a guidance of 1, since {self.about.variant} is told no text, "
                f"got {prompt!r} and {guidance:g}; leave both out, or take a variant of Stable Diffusion"
            )
        return self._epsilon

    def _epsilon(self, latent: Latent, level: float, **told: Any) -> Latent:
        height, width = latent.shape[1:]
        below, right = (-side % self.about.denoiser_stride for side in (height, width))
        whole = np.pad(latent, ((0, 0), (0, below), (0, right)), "edge")
        noise: Latent = self._run("epsilon", latent=whole, level=np.array([level], np.float32), **told)
        return noise[:, :height, :width]

    def _run(self, output: str, **inputs: Any) -> NDArray[np.float32]:
        """Compute one output; a file computes all of its own, so the others are of as little as there can be."""
        channels, stride, least = self.about.channels, self.about.stride, self.about.denoiser_stride
        others: dict[str, NDArray[Any]] = {
            "image": np.zeros((stride, stride, 3), np.uint8),
            "noise": np.zeros((channels, 1, 1), np.float32),
            "clean": np.zeros((channels, 1, 1), np.float32),
            "latent": np.zeros((channels, least, least), np.float32),
            "level": np.zeros(1, np.float32),
        }
        return self.engine.run(output, **{**others, **inputs})

    def _report_too_much_noise(self, plan: Plan, noise: NDArray[Any]) -> None:
        """Say once that even the last level has less noise than there is in half of the values, where that matters."""
        ratio = matched_noise_to_signal(plan.inverted, plan.further, float(np.median(noise)))
        if not self._reported and plan.steps in get_args(Steps) and level_of(ratio) >= LEVELS - 1:
            self._reported = True
            logging.getLogger("semcom").warning(
                "%s: the noise is %.1f dB over the latents, more than at the last of %d levels; it goes on from there",
                self.system,
                10 * np.log10(ratio),
                LEVELS,
            )
