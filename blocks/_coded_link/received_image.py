"""Pictures out of the bytes that a coded link has received."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.codecs.codec import codec_named
from ...sim.codecs.hevc import Hevc
from ...sim.codecs.scaled import decode_scaled, scaled_sides
from ...sim.codecs.vvc import Vvc
from ...sim.mean_colour import MEAN_COLOUR
from ...sim.side_information.coded_image import CodedImage
from ...sim.side_information.image_shape import ImageShape
from ..envelope import Header, Out, State
from ..ports import Bytes, Image

__all__ = ["OnFailure", "Received", "plain_picture", "received_image", "received_qp"]

OnFailure = Annotated[
    Literal["mean_colour", "zero"],
    Field(description="The picture of a failure: of one mean colour, or black that counts as PSNR 0."),
]


class Received(NamedTuple):
    """What a frame says, and the picture that it holds."""

    picture: Image | None  # None: it failed
    shape: ImageShape
    coded: CodedImage


def received_image(data: Bytes, header: Header, state: State) -> Received:
    """Decode the picture of a frame.

    Args:
        data: As they came, padded or not.
        header: Likewise: ImageShape and CodedImage.
        state: crc_ok, if a channel code wrote it.

    Raises:
        MissingExtra: the decoder is not installed.
        UsageError: likewise.
    """
    shape, coded = header.read(ImageShape), header.read(CodedImage)
    if state.crc_ok is False or coded.content != "picture":
        return Received(None, shape, coded)
    codec = codec_named(coded.codec, parameter_sets=coded.parameter_sets)
    codec.check()
    try:
        picture = decode_scaled(codec, data.tobytes(), shape.height, shape.width, coded.scale_eighths)
    except SignalError:
        return Received(None, shape, coded)
    return Received(picture, shape, coded)


def received_qp(data: Bytes, received: Received) -> int | None:
    """Quantisation parameter of a picture that HEVC or VVC coded; None where its head is damaged.

    Args:
        data: As they came, padded or not.
        received: What they hold.
    """
    shape, coded = received.shape, received.coded
    coder: Hevc | Vvc = {"hevc": Hevc, "vvc": Vvc}[coded.codec](parameter_sets=coded.parameter_sets)
    try:
        return coder.qp(data.tobytes(), *scaled_sides(shape.height, shape.width, coded.scale_eighths))
    except SignalError:
        return None


def plain_picture(shape: ImageShape, on_failure: OnFailure) -> Out[Image]:
    """Return what stands for a picture that failed, and count it.

    Args:
        shape: Of the picture.
        on_failure: Of one mean colour, that of other photographs; or black that counts as a PSNR and SSIM of 0.
    """
    plain = np.empty((shape.height, shape.width, 3), np.uint8)
    plain[:] = (0, 0, 0) if on_failure == "zero" else MEAN_COLOUR
    return Out(plain, trace={"failed": 1.0, "counts_as_zero": float(on_failure == "zero")})
