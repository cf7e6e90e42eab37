"""How a frame was put on a QAM, as its header says."""

from __future__ import annotations

from typing import cast

from ...errors import SignalError
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.qam_frame import BitsPerSymbol, QamFrame
from ..envelope import Header

__all__ = ["bits_of_scheme", "qam_frame"]


def qam_frame(header: Header) -> QamFrame:
    """Return how a received frame was mapped: as QamFrame says, or LinkScheme where there is none.

    Raises:
        SignalError: there is neither, or the scheme is an ideal code.
    """
    if "QamFrame" in header or "LinkScheme" not in header:
        return header.read(QamFrame)
    return QamFrame(bits_of_scheme(header.read(LinkScheme)))


def bits_of_scheme(scheme: LinkScheme) -> BitsPerSymbol:
    """Return the bits per symbol of a scheme.

    Raises:
        SignalError: it is an ideal code.
    """
    if not scheme.bits_per_symbol:
        raise SignalError(
            "header: expected a LinkScheme of 2, 4, 6, 8 or 10 bits per symbol, got 0: an ideal code has no symbols; "
            "connect channels/capacity"
        )
    return cast(BitsPerSymbol, scheme.bits_per_symbol)
