"""Pictures to CDM-JSCC frames and back. Needs no torch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from ..codec import Pixels, Ports, Reception, Role
from ..config import Config
from ..frame_noise import FadingAware
from ..objective import Objective, check_regression
from ..patch_rates.codec import ENCODER, HEARD, RatedAbout, RatedCodec, Sending
from ..patch_rates.rate_map import PATCH
from ..pixel_diffusion.ddim_shares import ddim_shares
from ..pixels import to_pixels
from .names import NUMBERS, Variant

__all__ = ["CdmAbout", "Codec", "Receiving", "Sending"]


class CdmAbout(RatedAbout):
    """What is known of a network.

    Attributes:
        variant: For the look of a picture (``p``, ``ntscc-p``) or for the least squared error (``d``, ``ntscc-d``).
        tag: 16 bits of a check sum of the weights of the backbone, which p and d share.
        objective: What the denoiser learnt by.
    """

    variant: Variant
    tag: int = Field(ge=0, le=0xFFFF)
    objective: Objective = "diffusion"

    @property
    def shared_weights(self) -> int:
        """Of the backbone: the denoiser may be another."""
        return self.tag


class Receiving(Config):
    """Settings of `Codec.decode`: those of ``decoders/cdm_jscc``."""

    steps: int = Field(1, ge=1, le=65)
    guidance: float = Field(1.0, ge=0, le=4)
    seed: int | None = Field(None, ge=0, lt=2**63)
    fading_aware: FadingAware = "on"


class Codec(RatedCodec[CdmAbout, Receiving]):
    """A network and its sampler behind two functions; see `RatedCodec`."""

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": ENCODER,
        "decoder": Ports(
            {
                **HEARD,
                "noise": ("float32", 3),
                "time": ("float32", 1),
                "clean_share": ("float32", 1),
                "noisy_share": ("float32", 1),
                "guidance": ("float32", 1),
            },
            {"picture": ("float32", 3)},
        ),
    }
    knows, receiving = CdmAbout, Receiving

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame.

        Raises:
            UsageError: more than one step, or guidance, of a network that learnt by regression.
        """
        if self.about.objective == "regression":
            check_regression(self.system, receiving.steps, receiving.guidance, unguided=(0.0, 1.0))
        shape, inputs = self.heard(reception, receiving.fading_aware)
        rows, columns = inputs["levels"].shape
        side = (PATCH * rows, PATCH * columns, 3)
        noise = reception.generator(receiving.seed).standard_normal(side, np.float32).transpose(2, 0, 1)
        time, clean, noisy = ddim_shares(receiving.steps)
        picture = self.engine.run(
            "picture",
            **inputs,
            noise=np.ascontiguousarray(noise),
            time=time,
            clean_share=clean,
            noisy_share=noisy,
            guidance=np.array([receiving.guidance], np.float32),
        )
        return to_pixels(picture, shape)
