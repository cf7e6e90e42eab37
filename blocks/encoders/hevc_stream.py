"""`encoders/hevc_stream`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from ...errors import SignalError
from ...sim.bandwidth import robust_uses
from ...sim.codecs.hevc_stream import HevcStreamEncoder, check_x265
from ...sim.side_information.frame_number import FIRST_FRAME, frame_after
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.link_agreement import LinkAgreement
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme
from ...sim.side_information.shaped_scheme import ShapedScheme
from ...sim.side_information.stream_part import StreamPart
from .._coded_link.link_params import LinkParams, budget_of, link_fields, scheme_bits
from ..block import Block
from ..envelope import Out
from ..ports import Bytes, Image

__all__ = ["HevcStream"]


class HevcStream(Block):
    r"""Codes a video by HEVC with low delay into exactly the bytes that each frame's channel uses carry.

    .. math:: n = \lfloor \mathrm{CBR} \cdot 3 H W \rfloor - n_\mathrm{header}, \quad
        B = \lfloor \mathrm{payload}(n, \mathrm{scheme}) / 8 \rfloor

    x265 without B pictures and without looking ahead, each picture from the one before; one in ``key_pictures`` is
    coded by itself, so that a receiver that lost one goes on there. The rate control aims below B; a coded picture that
    exceeds it takes the frames after it as well, and pictures that come meanwhile are left out. A frame is filled up by
    zeros.

    Input:   image: uint8 ``[H, W, 3]``, a frame of the video, sides of at most 65535.
    Output:  uint8 ``[B]``; header: ImageShape, LinkScheme, StreamPart (48 bits in all; ``scheme: matched`` has
             MatchedScheme in place of LinkScheme, 52, ``shaped`` ShapedScheme, 53), and LinkAgreement, which both ends
             know; trace: file_bytes, of this frame, and left_out: 1 where its picture was.
    Raises:  SignalError: a side is longer, or the uses do not carry a byte. MissingExtra: PyAV or x265 is not
             installed.
    State:   the coder, with the picture before; what is left of a coded picture. Another size or budget begins anew.
    Source:  ITU-T H.265; frames left out when the buffer is full: ITU-T, Video codec test model, TMN8, 1997.
    Example: ``encoder: {use: encoders/hevc_stream, cbr: 1/12, key_pictures: 16}``
    """

    class Params(LinkParams):
        """Parameters."""

        key_pictures: int = Field(16, ge=1, le=10_000, description="One picture in so many is coded by itself.")
        preset: Literal["ultrafast", "veryfast", "fast", "medium", "slow"] = Field(
            "fast", description="Of x265: how long it looks for the best choice."
        )

        @model_validator(mode="after")
        def _has_a_code(self) -> HevcStream.Params:
            if self.scheme == "capacity":
                raise ValueError("expected adapted, matched, shaped or a scheme such as 16qam-1/2, got capacity")
            return self

    params: Params
    writes_header = (ImageShape, LinkScheme, LinkAgreement, StreamPart)
    may_write_header = (MatchedScheme, ShapedScheme)

    def start(self) -> None:
        """Find x265."""
        check_x265()
        self._coder: HevcStreamEncoder | None = None
        self._made_for: tuple[int, int, int] | None = None
        self._left, self._is_key, self._number = b"", False, FIRST_FRAME

    def work(self, image: Image) -> Out[Bytes]:
        """Code one picture, or send more of the last one."""
        p = self.params
        height, width = image.shape[:2]
        if not 0 < min(height, width) <= max(height, width) <= 65535:
            raise SignalError(f"encoders/hevc_stream: expected sides of 1 to 65535 pixels, got {height} x {width}")
        shape, unsent = ImageShape(height, width), StreamPart(0, begins=False, ends=False, key=False)
        header_uses = robust_uses(shape.bits() + scheme_bits(p) + unsent.bits())
        total_uses = math.floor(Fraction(p.cbr) * 3 * height * width)
        uses = max(total_uses - header_uses, 0)
        scheme, budget = budget_of(p, uses)
        if budget < 1:
            raise SignalError(
                f"encoders/hevc_stream: expected uses that carry the header ({header_uses} of them) and a byte, got "
                f"{total_uses}, a CBR of {p.cbr} of a picture of {height} x {width}; raise cbr"
            )
        if self._coder is None or self._made_for != (height, width, budget):
            self._coder = HevcStreamEncoder(height, width, budget, p.key_pictures, p.preset)
            self._made_for, self._left = (height, width, budget), b""
        begins = not self._left
        if begins:
            self._left, self._is_key = self._coder.encode(image)
        part, self._left = self._left[:budget], self._left[budget:]
        frame = np.zeros(budget, np.uint8)
        frame[: len(part)] = np.frombuffer(part, np.uint8)
        told = StreamPart(self._number, begins=begins, ends=not self._left, key=self._is_key)
        self._number = frame_after(self._number)
        return Out(
            frame,
            header=(shape, *link_fields(p, scheme, uses), told),
            trace={"file_bytes": float(len(part)), "left_out": float(not begins)},
        )
