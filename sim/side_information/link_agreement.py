"""What both ends of a coded link know without its being sent."""

from __future__ import annotations

from typing import Annotated

from .codes import Choice, HalfSteps, Whole
from .field import HeaderField

__all__ = ["LinkAgreement"]


class LinkAgreement(HeaderField, frozen=True):
    """What a coded link agreed on beforehand; it travels `Unsent`.

    Attributes:
        uses: Channel uses of the payload: they follow from the picture's size and the CBR, and a receiver counts them.
        bits_per_symbol: Of the constellation of a link of one fixed scheme; 0 for an ideal code, and where each frame
            has another scheme.
        code_rate_x1024: Information bits (check sums included) over coded bits, times 1024; 0 likewise.
    """

    uses: Annotated[int, Whole(40)]
    bits_per_symbol: Annotated[int, Choice(3, (0, 2, 4, 6, 8, 10))] = 0
    code_rate_x1024: Annotated[float, HalfSteps(11)] = 0
