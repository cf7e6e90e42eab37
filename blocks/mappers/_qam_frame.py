"""How a frame was put on a QAM, as its header says."""

from __future__ import annotations

from typing import cast

from ...errors import SignalError
from ...sim.links.shaped_qam import ShapedQam
from ...sim.side_information.qam_frame import BitsPerSymbol, QamFrame
from .._coded_link.told_scheme import ToldScheme, told_scheme
from ..envelope import Header

__all__ = ["bits_of_scheme", "law_of_scheme", "qam_frame"]


def qam_frame(header: Header) -> tuple[QamFrame, tuple[float, ...] | None]:
    """Return how a received frame was mapped, and the law of its amplitudes if it is shaped.

    As QamFrame says, or its scheme where there is none.

    Raises:
        SignalError: there is neither, or the scheme is an ideal code.
    """
    told = None if "QamFrame" in header else told_scheme(header)
    if told is None:
        return header.read(QamFrame), None
    return QamFrame(bits_of_scheme(told)), law_of_scheme(told)


def law_of_scheme(told: ToldScheme) -> tuple[float, ...] | None:
    """Return the law of a shaped scheme's amplitudes; None where points are equally likely."""
    return told.scheme.law if isinstance(told.scheme, ShapedQam) else None


def bits_of_scheme(told: ToldScheme) -> BitsPerSymbol:
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
