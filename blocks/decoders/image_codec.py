"""`decoders/image_codec`."""

from __future__ import annotations

from ...sim.side_information.coded_image import CodedImage
from ...sim.side_information.image_shape import ImageShape
from .._coded_link.received_image import OnFailure, plain_picture, received_image
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

        on_failure: OnFailure = "mean_colour"

    params: Params
    reads_header = (ImageShape, CodedImage)

    def work(self, data: Bytes, header: Header, state: State) -> Out[Image]:
        """Decode one picture."""
        came = received_image(data, header, state)
        if came.picture is None:
            return plain_picture(came.shape, self.params.on_failure)
        return Out(came.picture, trace={"failed": 0.0, "counts_as_zero": 0.0})
