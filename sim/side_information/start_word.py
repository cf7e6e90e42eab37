"""The first word of a burst: what a receiver must know to read on."""

from __future__ import annotations

from typing import Annotated

from .codes import Whole
from .field import HeaderField

__all__ = ["StartWord"]


class StartWord(HeaderField, frozen=True):
    """Number and lengths of a burst, in 72 bits: number 32, payload 24, header 16.

    Attributes:
        seq: Number of the item at its source.
        payload: Symbols of the payload.
        header_bytes: Of the packed header.
    """

    seq: Annotated[int, Whole(32)]
    payload: Annotated[int, Whole(24)]
    header_bytes: Annotated[int, Whole(16)]
