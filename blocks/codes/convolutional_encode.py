"""`codes/convolutional_encode`."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field

from ...sim.codes.convolutional import RATE_1_2, RATE_1_3, Termination, encode
from ...sim.codes.crc import CrcKind, attach_crc
from ..block import Block
from ..params import BlockParams
from ..ports import Bits

__all__ = ["ConvolutionalEncode", "ConvolutionalParams"]


class ConvolutionalParams(BlockParams):
    """Parameters that both ends agree on."""

    code_rate: Literal["1/2", "1/3"] = Field("1/2", description="Generators 133, 171, and 165 at rate 1/3 (octal).")
    termination: Termination = Field(
        "zeros", description="zeros: six zeros end the word; tail_biting: it begins in the state in which it ends."
    )
    crc: Literal["CRC24A", "CRC24B", "CRC24C", "CRC16", "CRC11", "CRC6", "none"] = Field(
        "CRC16", description="Check sum of TS 38.212 behind the word, or none."
    )

    @property
    def generators(self) -> tuple[int, ...]:
        """Of the code."""
        return RATE_1_2 if self.code_rate == "1/2" else RATE_1_3

    @property
    def crc_kind(self) -> CrcKind | None:
        """Of the check sum, if there is one."""
        return None if self.crc == "none" else cast(CrcKind, self.crc.removeprefix("CRC"))


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
