"""The header of a CDM-JSCC or NTSCC frame: its eta, and the Es/N0 that the encoder reckoned with."""

from __future__ import annotations

from typing import Annotated

from .codes import Whole
from .field import HeaderField

__all__ = ["CdmMode"]


class CdmMode(HeaderField, frozen=True):
    """How a CDM-JSCC or NTSCC frame was made, in 9 bits: eta 4, Es/N0 5.

    Attributes:
        eta_index: Of the nearest of 16 values of eta.
        esn0_db: What the transmitter reckoned with, in whole dB.
    """

    eta_index: Annotated[int, Whole(4)]
    esn0_db: Annotated[int, Whole(5, 0, 20)]
