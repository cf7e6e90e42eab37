"""What a transmitter takes the channel to be: its assumption, which the header tells the receiver."""

from __future__ import annotations

from typing import Literal

from ..sim.constellations.gaussian import effective_esn0_db
from ..sim.side_information.constellation_frame import ConstellationOrder

__all__ = ["Csit", "known_esn0_db", "reckoned_esn0_db"]

Csit = Literal["mean", "none"]
"""Its mean Es/N0 is known, or nothing is."""
_UNKNOWN_ESN0_DB = 10.0


def known_esn0_db(csit: Csit, esn0_db: float) -> float:
    """Return the mean Es/N0 in dB that ``mean`` knows; without knowledge 10 dB."""
    return esn0_db if csit == "mean" else _UNKNOWN_ESN0_DB


def reckoned_esn0_db(csit: Csit, esn0_db: float, bits_per_symbol: ConstellationOrder | None = None) -> int:
    """Return the Es/N0 in whole dB, 0 to 20, that an encoder reckons with and tells the receiver.

    Args:
        csit: What the transmitter knows.
        esn0_db: The mean Es/N0 in dB that ``mean`` knows.
        bits_per_symbol: Of the constellation whose rounding is noise too, if there is one.
    """
    known_db = known_esn0_db(csit, esn0_db)
    if bits_per_symbol is not None:
        known_db = effective_esn0_db(bits_per_symbol, known_db)
    return round(min(max(known_db, 0), 20))
