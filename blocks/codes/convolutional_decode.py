"""`codes/convolutional_decode`."""

from __future__ import annotations

from ...errors import SignalError
from ...sim.codes.convolutional import decode
from ...sim.codes.crc import check_crc, crc_length
from ..block import Block
from ..envelope import Out, State
from ..ports import Bits, Llrs
from ._convolutional import ConvolutionalParams

__all__ = ["ConvolutionalDecode"]


class ConvolutionalDecode(Block):
    r"""Decodes what ``codes/convolutional_encode`` sent by the Viterbi algorithm, and checks its sum.

    .. math:: \hat{b} = \arg\max_b \sum_i \left(c_i(b) - \tfrac{1}{2}\right) L_i

    The likeliest word; nearly so for tail-biting ones. It is returned even where its check sum fails: the receiver's
    state says so.

    Input:   llrs: float32 ``[N]``, ln P(1)/P(0).
    Output:  uint8 ``[n]``; receiver state: crc_ok, unless there is no check sum; trace: blocks, block_errors.
    Raises:  SignalError: NaN, or a number of LLRs that no word has.
    State:   none.
    Source:  Forney, The Viterbi algorithm, Proc. IEEE 61(3), 1973.
    Example: ``recover: {use: codes/convolutional_decode, code_rate: 1/2, crc: CRC16}``
    """

    Params = ConvolutionalParams
    params: ConvolutionalParams

    def work(self, llrs: Llrs) -> Out[Bits]:
        """Decode one word."""
        p = self.params
        word = decode(llrs, p.generators, termination=p.termination)
        if p.crc_kind is None:
            return Out(word)
        length = crc_length(p.crc_kind)
        if word.size < length:
            raise SignalError(
                f"codes/convolutional_decode: expected a word of at least {length} bits, those of its {p.crc}, "
                f"got {word.size}"
            )
        good = bool(check_crc(word, p.crc_kind))
        trace = {"blocks": 1.0, "block_errors": 0.0 if good else 1.0}
        return Out(word[: word.size - length], state=State(crc_ok=good), trace=trace)
