"""`decoders/image_codec`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.codecs.codec import codec_named
from ...sim.codecs.scaled import decode_scaled
from ...sim.mean_colour import MEAN_COLOUR
from ...sim.side_information.coded_image import CodedImage
from ...sim.side_information.image_shape import ImageShape
from ..block import Block
from ..envelope import Header, Out, State
from ..params import BlockParams
from ..ports import Bytes, Image

__all__ = ["ImageCodec"]


class ImageCodec(Block):
    r"""Decodes what ``encoders/image_codec`` sent; a frame that failed gives a plain picture and is counted.

    .. math:: \hat{x} = \begin{cases} \mathrm{decode}(\mathrm{data}) & \text{all check sums hold} \\
        \text{mean colour or black} & \text{else} \end{cases}

    A picture fails when the receiver's state says that a check sum did not hold, when the file does not decode, and
    when the transmitter sent nothing. ``mean_colour`` is that of other photographs; ``zero`` is black, and counts as a
    PSNR and SSIM of 0, as some papers have it. What the file says of its size is held against the header before it is
    decoded.

    Input:   data: uint8 ``[n]``, padded or not; header: ImageShape, CodedImage; state: crc_ok, if a channel code wrote
             it.
    Output:  uint8 sRGB ``[H, W, 3]``; trace: failed, counts_as_zero.
    Raises:  MissingExtra or UsageError: the decoder is not installed.
    State:   none.
    Example: ``decoder: {use: decoders/image_codec}``
    """

    class Params(BlockParams):
        """Parameters."""

        on_failure: Literal["mean_colour", "zero"] = Field(
            "mean_colour", description="The picture of a failure: of one mean colour, or black that counts as PSNR 0."
        )

    params: Params
    reads_header = (ImageShape, CodedImage)

    def work(self, data: Bytes, header: Header, state: State) -> Out[Image]:
        """Decode one picture."""
        shape, coded = header.read(ImageShape), header.read(CodedImage)
        picture = None
        if state.crc_ok is not False and coded.content == "picture":
            picture = _decoded(data.tobytes(), shape, coded)
        if picture is not None:
            return Out(picture, trace={"failed": 0.0, "counts_as_zero": 0.0})
        zero = self.params.on_failure == "zero"
        plain = np.empty((shape.height, shape.width, 3), np.uint8)
        plain[:] = (0, 0, 0) if zero else MEAN_COLOUR
        return Out(plain, trace={"failed": 1.0, "counts_as_zero": float(zero)})


def _decoded(data: bytes, shape: ImageShape, coded: CodedImage) -> Image | None:
    codec = codec_named(coded.codec, parameter_sets=coded.parameter_sets)
    codec.check()
    try:
        return decode_scaled(codec, data, shape.height, shape.width, coded.scale_eighths)
    except SignalError:
        return None
