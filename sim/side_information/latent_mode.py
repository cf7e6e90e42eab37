"""The header of a frame of latent diffusion: how far the transmitter inverted."""

from __future__ import annotations

from typing import Annotated

from .codes import Whole
from .field import HeaderField

__all__ = ["STEPS", "LatentMode"]

STEPS = 50
"""Of DDIM from a picture to noise; transmitter, receiver and sampler share this grid."""


class LatentMode(HeaderField, frozen=True):
    """How a latent was made, in 6 bits.

    Attributes:
        inversion_steps: Steps of DDIM inversion that the transmitter ran, of `STEPS`.
    """

    inversion_steps: Annotated[int, Whole(6, 0, STEPS)]
