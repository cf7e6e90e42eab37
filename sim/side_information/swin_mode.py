"""The header of a SwinJSCC frame: its rate, the Es/N0 that the encoder reckoned with, and which channels are sent."""

from __future__ import annotations

from typing import Annotated

from .codes import Whole
from .field import HeaderField
from .subset import Chosen, Subset

__all__ = ["SwinMode"]


class SwinMode(HeaderField, frozen=True):
    """How a SwinJSCC frame was made, in 9 bits: rate 3, Es/N0 5, choice 1; and a choice, where there is one.

    A choice of channels is told by 9 bits of how many there are, 9 of how many are sent, and its number among all
    choices of so many, 278 bits for 96 of 320. Where none is told the first channels are sent.

    Attributes:
        rate_index: Of the rate among those of ``models/swinjscc/names``.
        esn0_db: What the transmitter reckoned with, in whole dB.
        channels: How many feature channels there are, and those that are sent; None: the first.
    """

    rate_index: Annotated[int, Whole(3)]
    esn0_db: Annotated[int, Whole(5, 0, 20)]
    channels: Annotated[Chosen | None, Subset(9)]
