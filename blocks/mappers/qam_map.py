"""`mappers/qam_map`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.constellations.qam import modulate
from ..block import Block
from ..envelope import Header, HeaderField, Out
from ..link_scheme import LinkScheme
from ..params import BlockParams, Live
from ..ports import Bits, Symbols

__all__ = ["BitsPerSymbol", "QamFrame", "QamMap"]

BitsPerSymbol = Literal[2, 4, 6, 8, 10]


class QamFrame(HeaderField, frozen=True):
    """How a frame was mapped: 3 bits for the constellation, 4 for the padding; free where LinkScheme says it already.

    Attributes:
        bits_per_symbol: Of the constellation.
        padding: Zeros appended to fill the last symbol.
        told: What tells the receiver: this field, or LinkScheme.
    """

    bits_per_symbol: BitsPerSymbol
    padding: int = 0
    told: Literal["here", "by LinkScheme"] = "here"

    def bits(self) -> int:
        """Seven, or none."""
        return 7 if self.told == "here" else 0

    def payload(self, size: int) -> int:
        """How many of a frame's bits are not padding.

        Args:
            size: Bits of all its symbols.

        Raises:
            SignalError: fewer than were appended, so that it is not the frame that was sent.
        """
        if not 0 <= self.padding <= size:
            raise SignalError(f"QamFrame: expected a padding of 0 to {size} bits, got {self.padding}")
        return size - self.padding


class QamMap(Block):
    r"""Maps bits to the Gray QAM of TS 38.211, of unit mean energy over the alphabet.

    .. math:: s = d \left[a(b_0, b_2, \dots) + j\, a(b_1, b_3, \dots)\right], \quad d = \sqrt{\frac{3}{2 (M - 1)}},
        \quad a(c_0, c_1, \dots) = (1 - 2 c_0) \left[2^{k-1} - (1 - 2 c_1) [2^{k-2} - \dots]\right]

    k = log2(M) / 2 bits a dimension. Never normalised per frame: a frame of inner points carries less energy. With
    ``bits_per_symbol: null`` the header's LinkScheme decides, and the bits must fill its uses. With a number that
    number holds, and zeros fill the last symbol.

    Input:   bits: uint8 ``[n]``; header: LinkScheme, if bits_per_symbol is null.
    Output:  complex64 ``[ceil(n / bits_per_symbol)]``; header: QamFrame, 7 bits, or none with LinkScheme.
    Raises:  SignalError: not bits; bits_per_symbol is null and there is no LinkScheme, or one of an ideal code, or one
             of another number of bits.
    State:   none.
    Source:  TS 38.211 section 5.1.
    Example: ``map: {use: mappers/qam_map, bits_per_symbol: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        bits_per_symbol: Live[BitsPerSymbol | None] = Field(
            None, description="2 (QPSK), 4, 6, 8 or 10 (1024-QAM); null takes it from the header's LinkScheme."
        )

    params: Params
    writes_header = (QamFrame,)

    def work(self, bits: Bits, header: Header) -> Out[Symbols]:
        """Map one frame."""
        chosen = self.params.bits_per_symbol
        if chosen is None:
            frame = _frame_of_scheme(bits.size, header)
        else:
            frame = QamFrame(chosen, padding=-bits.size % chosen)
        padded = np.concatenate([bits, np.zeros(frame.padding, np.uint8)]) if frame.padding else bits
        return Out(modulate(padded, frame.bits_per_symbol), header=frame)


def _frame_of_scheme(size: int, header: Header) -> QamFrame:
    if "LinkScheme" not in header:
        raise SignalError(
            "mappers/qam_map: expected LinkScheme in the header, since bits_per_symbol is null, and none came; "
            "set bits_per_symbol to 2, 4, 6, 8 or 10, or connect an encoder that writes LinkScheme"
        )
    scheme = header.read(LinkScheme)
    if scheme.bits_per_symbol not in (2, 4, 6, 8, 10):
        raise SignalError(
            "mappers/qam_map: expected a LinkScheme of 2, 4, 6, 8 or 10 bits per symbol, got "
            f"{scheme.bits_per_symbol}; 0 is an ideal code, which has no symbols: channels/capacity"
        )
    coded = scheme.uses * scheme.bits_per_symbol
    if size != coded:
        raise SignalError(
            f"mappers/qam_map: expected {coded} coded bits for {scheme.uses} uses of {scheme.bits_per_symbol} bits "
            f"(LinkScheme), got {size}; connect codes/ldpc_encode before it"
        )
    return QamFrame(scheme.bits_per_symbol, told="by LinkScheme")  # type: ignore[arg-type]
