"""`mappers/qam_decide`."""

from __future__ import annotations

from ...sim.constellations.qam import decide
from ...sim.side_information.qam_frame import QamFrame
from ..block import Block
from ..envelope import Header
from ..ports import Bits, Symbols
from ._qam_frame import qam_frame

__all__ = ["QamDecide"]


class QamDecide(Block):
    r"""Decides for the bits of the nearest QAM point: the receiver of an uncoded link.

    .. math:: \hat{b} = b(\hat{s}), \quad \hat{s} = \arg\min_s |y - s|^2

    Input:   symbols: complex64 ``[n]``, equalised; header: QamFrame, LinkScheme, MatchedScheme or
             ShapedScheme.
    Output:  uint8 ``[n bits_per_symbol - padding]``.
    Raises:  SignalError: a symbol is not finite, or QamFrame says more padding than there are bits.
    State:   none.
    Source:  TS 38.211 section 5.1 (labels).
    Example: ``decide: {use: mappers/qam_decide}``
    """

    reads_header = (QamFrame,)

    def work(self, symbols: Symbols, header: Header) -> Bits:
        """Decide one frame."""
        frame, law = qam_frame(header)
        bits = decide(symbols, frame.bits_per_symbol, law)
        return bits[: frame.payload(bits.size)]
