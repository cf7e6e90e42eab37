"""The header of a DeepJSCC frame: its rate, and the Es/N0 that the encoder reckoned with."""

from __future__ import annotations

from typing import Annotated

from .codes import Whole
from .field import HeaderField

__all__ = ["JsccMode"]


class JsccMode(HeaderField, frozen=True):
    """How a DeepJSCC frame was made, in 7 bits: rate 2, Es/N0 5.

    Attributes:
        rate_index: Of the rate among those of ``models/deepjscc/names``.
        esn0_db: What the transmitter reckoned with, in whole dB.
    """

    rate_index: Annotated[int, Whole(2)]
    esn0_db: Annotated[int, Whole(5, 0, 20)]
