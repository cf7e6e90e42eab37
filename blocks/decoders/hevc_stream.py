"""`decoders/hevc_stream`."""

from __future__ import annotations

import numpy as np

from ...sim.codecs.hevc_stream import HevcStreamDecoder, check_x265
from ...sim.mean_colour import MEAN_COLOUR
from ...sim.side_information.frame_number import FIRST_FRAME, frames_missing
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.stream_part import StreamPart
from ..block import Block
from ..envelope import Header, Out, State
from ..ports import Bytes, Image

__all__ = ["HevcStream"]


class HevcStream(Block):
    r"""Decodes what ``encoders/hevc_stream`` sent; where that is not possible the last picture stays.

    .. math:: \hat x[t] = \begin{cases} \mathrm{decode}(\mathrm{data}[t], \hat x[t - 1]) & \text{all came} \\
        \hat x[t - 1] & \text{else} \end{cases}

    A frame is lost when the receiver's state says that a check sum did not hold, when its number is missing, and when
    it does not decode. Pictures after it hang on it, so that the last one stays until the next key picture. Before the
    first there is the mean colour of photographs.

    Input:   data: uint8 ``[n]``, padded or not; header: ImageShape, StreamPart; state: crc_ok, if a channel code wrote
             it.
    Output:  uint8 sRGB ``[H, W, 3]``; trace: failed: 1 where something was lost and the last picture stays.
    Raises:  MissingExtra: PyAV is not installed.
    State:   the decoder, with the picture before; what came of a coded picture; the number of the last frame.
    Example: ``decoder: {use: decoders/hevc_stream}``
    """

    reads_header = (ImageShape, StreamPart)

    def start(self) -> None:
        """Begin a video."""
        check_x265()
        self._shape: ImageShape | None = None
        self._came, self._last = b"", FIRST_FRAME

    def work(self, data: Bytes, header: Header, state: State) -> Out[Image]:
        """Decode one frame."""
        shape, told = header.read(ImageShape), header.read(StreamPart)
        if shape != self._shape:
            self._shape, self._decoder = shape, HevcStreamDecoder(shape.height, shape.width)
            self._shown = np.empty((shape.height, shape.width, 3), np.uint8)
            self._shown[:] = MEAN_COLOUR
            self._whole = False  # the picture that is under way came from its beginning
        elif told.number == self._last or frames_missing(self._last, told.number):
            self._lose()
        self._last = told.number
        if state.crc_ok is False:
            self._lose()
        elif told.begins or self._whole:
            self._came, self._whole = (b"" if told.begins else self._came) + data.tobytes(), True
        failed = not self._whole
        if told.ends and self._whole:
            picture = self._decoder.decode(self._came.rstrip(b"\0"), key=told.key)
            failed, self._whole = picture is None, False
            self._shown = self._shown if picture is None else picture
        return Out(self._shown.copy(), trace={"failed": float(failed)})

    def _lose(self) -> None:
        self._whole = False
        self._decoder.lose()
