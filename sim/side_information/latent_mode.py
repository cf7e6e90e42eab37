"""The header of a frame of latent diffusion: how far the transmitter inverted, and by which words."""

from __future__ import annotations

from typing import Annotated

from .codes import Text, Whole
from .field import HeaderField

__all__ = ["STEPS", "LatentMode"]

STEPS = 50
"""Of DDIM from a picture to noise; transmitter, receiver and sampler share this grid."""


class LatentMode(HeaderField, frozen=True):
    """How a latent was made, in 7 bits and those of a prompt.

    Attributes:
        inversion_steps: Steps of DDIM inversion that the transmitter ran, of `STEPS`.
        prompt: The words that denoisers of both ends are told; None: they are not sent.
    """

    inversion_steps: Annotated[int, Whole(6, 0, STEPS)]
    prompt: Annotated[str | None, Text(10)] = None
