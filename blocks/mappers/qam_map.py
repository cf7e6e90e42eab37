"""`mappers/qam_map`."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.constellations.qam import modulate
from ...sim.side_information.link_agreement import LinkAgreement
from ...sim.side_information.qam_frame import BitsPerSymbol, QamFrame
from .._coded_link.told_scheme import told_scheme
from ..block import Block
from ..envelope import Header, Out
from ..params import BlockParams, Live
from ..ports import Bits, Symbols
from ._qam_frame import bits_of_scheme, law_of_scheme

__all__ = ["QamMap"]


class QamMap(Block):
    r"""Maps bits to the Gray QAM of TS 38.211, of unit mean energy over the alphabet.

    .. math:: s = d \left[a(b_0, b_2, \dots) + j\, a(b_1, b_3, \dots)\right], \quad d = \sqrt{\frac{3}{2 (M - 1)}},
        \quad a(c_0, c_1, \dots) = (1 - 2 c_0) \left[2^{k-1} - (1 - 2 c_1) [2^{k-2} - \dots]\right]

    k = log2(M) / 2 bits a dimension. Never normalised per frame: a frame of inner points carries less energy. With
    ``bits_per_symbol: null`` the header's scheme decides, and the bits must fill its uses; a shaped one has unit energy
    by the law of its amplitudes. With a number that number holds, and zeros fill the last symbol.

    Input:   bits: uint8 ``[n]``; header: LinkScheme, MatchedScheme or ShapedScheme, and LinkAgreement, if
             bits_per_symbol is null.
    Output:  complex64 ``[ceil(n / bits_per_symbol)]``; header: QamFrame, 7 bits, or none with a scheme.
    Raises:  SignalError: not bits; bits_per_symbol is null and there is no scheme, or one of an ideal code, or one of
             another number of bits.
    State:   none.
    Source:  TS 38.211 section 5.1.
    Example: ``map: {use: mappers/qam_map, bits_per_symbol: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        bits_per_symbol: Live[BitsPerSymbol | None] = Field(
            None, description="2 (QPSK), 4, 6, 8 or 10 (1024-QAM); null takes it from the header's scheme."
        )

    params: Params
    writes_header = (QamFrame,)

    def work(self, bits: Bits, header: Header) -> Out[Symbols]:
        """Map one frame."""
        chosen = self.params.bits_per_symbol
        if chosen is None:
            return Out(modulate(bits, *_of_scheme(bits.size, header)))
        frame = QamFrame(chosen, padding=-bits.size % chosen)
        padded = np.concatenate([bits, np.zeros(frame.padding, np.uint8)]) if frame.padding else bits
        return Out(modulate(padded, chosen), header=frame)


def _of_scheme(size: int, header: Header) -> tuple[BitsPerSymbol, tuple[float, ...] | None]:
    told = told_scheme(header)
    if told is None:
        raise SignalError(
            "mappers/qam_map: expected LinkScheme in the header, since bits_per_symbol is null, and none came; "
            "set bits_per_symbol to 2, 4, 6, 8 or 10, or connect an encoder that writes LinkScheme"
        )
    bits_per_symbol, uses = bits_of_scheme(told), header.read(LinkAgreement).uses
    if size != uses * bits_per_symbol:
        raise SignalError(
            f"mappers/qam_map: expected {uses * bits_per_symbol} coded bits for {uses} uses of {bits_per_symbol} bits "
            f"({type(told).__name__}), got {size}; connect codes/ldpc_encode before it"
        )
    return bits_per_symbol, law_of_scheme(told)
