"""Pictures to NTSCC frames and back. Needs no torch."""

from __future__ import annotations

from typing import ClassVar

from ..codec import Pixels, Ports, Reception, Role
from ..config import Config
from ..frame_noise import FadingAware
from ..patch_rates.codec import ENCODER, HEARD, RatedAbout, RatedCodec, Sending
from ..pixels import to_pixels
from .names import NUMBERS, Variant

__all__ = ["Codec", "NtsccAbout", "Receiving", "Sending"]


class NtsccAbout(RatedAbout):
    """What is known of a network.

    Attributes:
        variant: Which one; what the header says.
    """

    variant: Variant


class Receiving(Config):
    """Settings of `Codec.decode`: those of ``decoders/ntscc``."""

    fading_aware: FadingAware = "on"


class Codec(RatedCodec[NtsccAbout, Receiving]):
    """A network behind two functions; see `RatedCodec`."""

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": ENCODER,
        "decoder": Ports(HEARD, {"picture": ("float32", 3)}),
    }
    knows, receiving = NtsccAbout, Receiving

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame."""
        shape, inputs = self.heard(reception, receiving.fading_aware)
        return to_pixels(self.engine.run("picture", **inputs), shape)
