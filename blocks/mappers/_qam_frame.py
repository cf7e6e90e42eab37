"""How a frame was put on a QAM, as its header says."""

from __future__ import annotations

from typing import cast

from ...errors import SignalError
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme
from ...sim.side_information.qam_frame import BitsPerSymbol, QamFrame
from .._coded_link.told_scheme import told_scheme
from ..envelope import Header

__all__ = ["bits_of_scheme", "qam_frame"]


def qam_frame(header: Header) -> QamFrame:
    """Return how a received frame was mapped: as QamFrame says, or its scheme where there is none.

    Raises:
        SignalError: there is neither, or the scheme is an ideal code.
    """
    told = None if "QamFrame" in header else told_scheme(header)
    return header.read(QamFrame) if told is None else QamFrame(bits_of_scheme(told))


def bits_of_scheme(told: LinkScheme | MatchedScheme) -> BitsPerSymbol:
    """Return the bits per symbol of a frame's scheme.

    Raises:
        SignalError: it is an ideal code.
    """
    if told.scheme is None:
        raise SignalError(
            "header: expected a LinkScheme of 2, 4, 6, 8 or 10 bits per symbol, got 0: an ideal code has no symbols; "
            "connect channels/capacity"
        )
    return cast(BitsPerSymbol, told.scheme.bits_per_symbol)
