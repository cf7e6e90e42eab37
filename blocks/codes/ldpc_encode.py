"""`codes/ldpc_encode`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.codes.ldpc.graph import load_base_graphs
from ...sim.codes.scrambling import gold_sequence
from ...sim.links.shaped_block import ShapedBlockPlan, encode_shaped_block
from ...sim.links.transport_block import (
    TransportBlockPlan,
    coded_bits_for,
    encode_transport_block,
    plan_transport_block,
)
from ...sim.side_information.link_agreement import LinkAgreement
from ...sim.side_information.transport_block import TransportBlock
from .._coded_link.told_scheme import told_scheme
from ..block import Block
from ..envelope import Header, Out
from ..params import BlockParams, Live
from ..ports import Bits
from ._scheme import plan_of_scheme

__all__ = ["LdpcEncode"]


class LdpcEncode(Block):
    r"""Codes a frame's bits by the LDPC codes of 5G NR, as one transport block.

    .. math:: G = m \left\lceil \frac{A + L_\mathrm{TB} + C L_\mathrm{CB}}{R\, m} \right\rceil

    Check sums (CRC24A or CRC16 over the frame, CRC24B over each of several code blocks), segmentation, LDPC, rate
    matching of redundancy version 0, bit interleaving, and scrambling, without which a payload of many zeros would
    be sent with less than the constellation's mean energy. The code rate R counts check sums as information. With
    ``code_rate: null`` the header's scheme decides: the frame has uses times bits_per_symbol coded
    bits, and zeros fill the payload up to what fits.

    Input:   bits: uint8 ``[A]``; header: LinkScheme, MatchedScheme or ShapedScheme, and LinkAgreement, if code_rate is
             null.
    Output:  uint8 ``[G]``; header: TransportBlock, 32 bits, or none with a scheme.
    Raises:  SignalError: not bits; code_rate is null and there is no scheme, or one of an ideal code, or one in whose
             uses the bits do not fit. MissingExtra: Sionna, which holds the base graphs, is not installed.
    State:   none; the base graphs, read by `start`.
    Source:  TS 38.212 sections 5.2.2, 5.3.2, 5.4.2 and 7.2; TS 38.211 section 7.3.1.1 (RNTI 1, cell 1).
    Example: ``encode: {use: codes/ldpc_encode, code_rate: 0.5, bits_per_symbol: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        code_rate: Live[float | None] = Field(
            None, ge=0.05, le=0.95, description="Information over coded bits; null takes the header's scheme."
        )
        bits_per_symbol: Live[Literal[2, 4, 6, 8, 10]] = Field(
            2, description="Of the constellation, which sets the interleaver; not used with the header's scheme."
        )

    params: Params
    writes_header = (TransportBlock,)

    def start(self) -> None:
        """Read the base graphs."""
        load_base_graphs()

    def work(self, bits: Bits, header: Header) -> Out[Bits]:
        """Code one frame."""
        rate, bits_per_symbol = self.params.code_rate, self.params.bits_per_symbol
        if rate is not None:
            coded_bits = coded_bits_for(bits.size, rate, bits_per_symbol)
            block = plan_transport_block(bits.size, coded_bits, bits_per_symbol)
            return Out(_sent(block, bits), header=TransportBlock(bits.size, bits_per_symbol))
        told = told_scheme(header)
        if told is None:
            raise SignalError(
                "codes/ldpc_encode: expected LinkScheme in the header, since code_rate is null, and none came; "
                "set code_rate, or connect an encoder that writes LinkScheme"
            )
        uses = header.read(LinkAgreement).uses
        plan = plan_of_scheme("codes/ldpc_encode", told, uses)
        if bits.size > plan.payload_bits:
            raise SignalError(
                f"codes/ldpc_encode: expected at most {plan.payload_bits} bits, which fit into {uses} uses at "
                f"{told.scheme}, got {bits.size}"
            )
        filled = np.concatenate([bits, np.zeros(plan.payload_bits - bits.size, np.uint8)])
        return Out(_sent(plan, filled))


def _sent(plan: TransportBlockPlan | ShapedBlockPlan, payload: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if isinstance(plan, ShapedBlockPlan):
        return encode_shaped_block(plan, payload)
    coded = encode_transport_block(plan, payload)
    return coded ^ gold_sequence(coded.size)
