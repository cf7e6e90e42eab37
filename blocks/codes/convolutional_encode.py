"""`codes/convolutional_encode`."""

from __future__ import annotations

from ...sim.codes.convolutional import encode
from ...sim.codes.crc import attach_crc
from ..block import Block
from ..ports import Bits
from ._convolutional import ConvolutionalParams

__all__ = ["ConvolutionalEncode"]


class ConvolutionalEncode(Block):
    r"""Protects a short word, such as a header, by a check sum and a convolutional code of constraint length 7.

    .. math:: c_i[t] = \bigoplus_{d=0}^{6} g_{i,d}\, b[t - d]

    One frame is one word. Nothing is told to the receiver: both ends agree on the parameters, and the length follows
    from the number of bits received.

    Input:   bits: uint8 ``[n]``.
    Output:  uint8 ``[(n + crc + 6) r]``, or ``[(n + crc) r]`` tail-biting; r = 2 or 3.
    Raises:  SignalError: not bits.
    State:   none.
    Source:  TS 36.212 section 5.1.3.1 (rate 1/3); IEEE 802.11 section 17.3.5.6 (rate 1/2); TS 38.212 section 5.1 (CRC).
    Example: ``protect: {use: codes/convolutional_encode, code_rate: 1/2, crc: CRC16}``
    """

    Params = ConvolutionalParams
    params: ConvolutionalParams

    def work(self, bits: Bits) -> Bits:
        """Encode one word."""
        p = self.params
        word = bits if p.crc_kind is None else attach_crc(bits, p.crc_kind)
        return encode(word, p.generators, termination=p.termination)
