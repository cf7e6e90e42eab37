"""The header of a coded frame whose code rate is the encoder's own choice."""

from __future__ import annotations

from typing import Annotated, get_args

from .codes import Choice, Whole
from .field import HeaderField
from .qam_frame import BitsPerSymbol

__all__ = ["TransportBlock"]


class TransportBlock(HeaderField, frozen=True):
    """What was coded, in 32 bits: the payload's length 29, the interleaver 3; beside a scheme there is none.

    Attributes:
        payload_bits: Bits of the payload, check sums excluded; those of the frame a receiver counts.
        bits_per_symbol: Rows of the bit interleaver.
    """

    payload_bits: Annotated[int, Whole(29)]
    bits_per_symbol: Annotated[BitsPerSymbol, Choice(3, get_args(BitsPerSymbol))]
