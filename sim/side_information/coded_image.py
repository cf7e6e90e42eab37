"""The header of a coded picture: by which coder, at which scale."""

from __future__ import annotations

from typing import Annotated, Literal

from ..codecs.codec import CODECS, CodecName
from .codes import Choice, Whole
from .field import HeaderField

__all__ = ["CodedImage"]


class CodedImage(HeaderField, frozen=True):
    """How the picture was coded, in one byte: coder (3 bits), scale (3), parameter sets (1), content (1).

    Attributes:
        codec: The source coder.
        scale_eighths: The coded picture's sides are those of the picture times this over 8.
        parameter_sets: In the file, or agreed beforehand.
        content: A picture; or nothing, since none fitted.
    """

    codec: Annotated[CodecName, Choice(3, CODECS)]
    scale_eighths: Annotated[int, Whole(3, 1)]
    parameter_sets: Annotated[Literal["sent", "agreed"], Choice(1, ("sent", "agreed"))]
    content: Annotated[Literal["picture", "nothing"], Choice(1, ("picture", "nothing"))]
