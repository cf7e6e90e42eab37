"""A coder's pictures to better ones. Needs no torch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..codec import Pixels
from ..config import Config
from ..objective import Objective, check_regression
from .config import CoderName
from .names import SHIPPED

__all__ = ["Engine", "Receiver", "Receiving"]

LEAST_EIGHTHS = 4  # trainings know the whole sides and half of them


class Receiving(Config):
    """Settings of `Receiver.denoised`: those of ``decoders/codec_diffusion``."""

    steps: int = Field(1, ge=1, le=65)
    guidance: float = Field(1.0, ge=0, le=4)
    seed: int | None = Field(None, ge=0, lt=2**63)


class Engine(Protocol):
    """What computes the network."""

    objective: Objective
    coder: CoderName

    def sampled(
        self, picture: Pixels, qp: int, scale_eighths: int, noise: NDArray[np.float32], steps: int, guidance: float
    ) -> NDArray[np.float32]:
        """Return a better picture ``[H, W, 3]`` in [0, 1].

        Args:
            picture: ``[H, W, 3]``.
            qp: Quantisation parameter.
            scale_eighths: Of the coded picture.
            noise: The sampler's start ``[3, H, W]``.
            steps: Of DDIM.
            guidance: Times what is added.
        """


class Receiver:
    """A network and its sampler behind a function.

    Args:
        engine: Computes.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def denoised(
        self, picture: Pixels, qp: int, scale_eighths: int, receiving: Receiving, rng: np.random.Generator
    ) -> Pixels:
        """Return what the diffusion makes of a picture; the same picture where it was coded below half of its sides.

        Args:
            picture: uint8 sRGB ``[h, w, 3]``, as it was decoded, at its full size.
            qp: Quantisation parameter of its slice.
            scale_eighths: The coded picture's sides are those of the picture times this over 8.
            receiving: Steps, guidance and seed.
            rng: Of the item; a seed takes its place.

        Raises:
            UsageError: more than one step, or guidance, of a network that learnt by regression.
        """
        if self.engine.objective == "regression":
            check_regression(SHIPPED.system, receiving.steps, receiving.guidance, unguided=(0.0, 1.0))
        if receiving.guidance == 0 or scale_eighths < LEAST_EIGHTHS:
            return picture
        if receiving.seed is not None:
            rng = np.random.Generator(np.random.Philox(key=receiving.seed))
        noise = rng.standard_normal(picture.shape, np.float32).transpose(2, 0, 1)
        made = self.engine.sampled(picture, qp, scale_eighths, noise, receiving.steps, receiving.guidance)
        return np.ascontiguousarray((made.clip(0, 1) * 255).round().astype(np.uint8))
