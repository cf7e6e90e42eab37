"""`codes/ldpc_encode`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.codes.ldpc.graph import load_base_graphs
from ...sim.codes.scrambling import gold_sequence
from ...sim.links.mcs import Scheme, payload_bits_for
from ...sim.links.transport_block import (
    TransportBlockPlan,
    coded_bits_for,
    encode_transport_block,
    plan_transport_block,
)
from ..block import Block
from ..envelope import Header, HeaderField, Out
from ..link_scheme import LinkScheme
from ..params import BlockParams, Live
from ..ports import Bits

__all__ = ["LdpcEncode", "TransportBlock", "plan_of_scheme"]


class TransportBlock(HeaderField, frozen=True):
    """What was coded, in 32 bits: 29 for the payload's length and 3 for the interleaver; free beside LinkScheme.

    Attributes:
        payload_bits: Bits of the payload, check sums excluded.
        coded_bits: Bits of the frame. Costs nothing: a receiver counts them.
        bits_per_symbol: Rows of the bit interleaver.
        told: What tells the receiver: this field, or LinkScheme.
    """

    payload_bits: int
    coded_bits: int
    bits_per_symbol: int
    told: Literal["here", "by LinkScheme"] = "here"

    def bits(self) -> int:
        """32, or none."""
        return 32 if self.told == "here" else 0


class LdpcEncode(Block):
    r"""Codes a frame's bits by the LDPC codes of 5G NR, as one transport block.

    .. math:: G = m \left\lceil \frac{A + L_\mathrm{TB} + C L_\mathrm{CB}}{R\, m} \right\rceil

    Check sums (CRC24A or CRC16 over the frame, CRC24B over each of several code blocks), segmentation, LDPC, rate
    matching of redundancy version 0, bit interleaving, and scrambling, without which a payload of many zeros would
    be sent with less than the constellation's mean energy. The code rate R counts check sums as information. With
    ``code_rate: null`` the header's LinkScheme decides: the frame has uses times bits_per_symbol coded bits, and
    zeros fill the payload up to what fits.

    Input:   bits: uint8 ``[A]``; header: LinkScheme, if code_rate is null.
    Output:  uint8 ``[G]``; header: TransportBlock, 32 bits, or none with LinkScheme.
    Raises:  SignalError: not bits; code_rate is null and there is no LinkScheme, or one of an ideal code, or one in
             whose uses the bits do not fit. MissingExtra: Sionna, which holds the base graphs, is not installed.
    State:   none; the base graphs, read by `start`.
    Source:  TS 38.212 sections 5.2.2, 5.3.2, 5.4.2 and 7.2; TS 38.211 section 7.3.1.1 (RNTI 1, cell 1).
    Example: ``encode: {use: codes/ldpc_encode, code_rate: 0.5, bits_per_symbol: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        code_rate: Live[float | None] = Field(
            None, ge=0.05, le=0.95, description="Information over coded bits; null takes the header's LinkScheme."
        )
        bits_per_symbol: Live[Literal[2, 4, 6, 8, 10]] = Field(
            2, description="Of the constellation, which sets the interleaver; not used with LinkScheme."
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
            plan = plan_transport_block(bits.size, coded_bits, bits_per_symbol)
            return Out(_sent(plan, bits), header=TransportBlock(bits.size, coded_bits, bits_per_symbol))
        if "LinkScheme" not in header:
            raise SignalError(
                "codes/ldpc_encode: expected LinkScheme in the header, since code_rate is null, and none came; "
                "set code_rate, or connect an encoder that writes LinkScheme"
            )
        scheme = header.read(LinkScheme)
        plan = plan_of_scheme("codes/ldpc_encode", scheme)
        if bits.size > plan.payload_bits:
            raise SignalError(
                f"codes/ldpc_encode: expected at most {plan.payload_bits} bits, which fit into {scheme.uses} uses of "
                f"{scheme.bits_per_symbol} bits at rate {scheme.code_rate_x1024:g}/1024, got {bits.size}"
            )
        filled = np.concatenate([bits, np.zeros(plan.payload_bits - bits.size, np.uint8)])
        told = TransportBlock(plan.payload_bits, plan.coded_bits, plan.bits_per_symbol, "by LinkScheme")
        return Out(_sent(plan, filled), header=told)


def _sent(plan: TransportBlockPlan, payload: NDArray[np.uint8]) -> NDArray[np.uint8]:
    coded = encode_transport_block(plan, payload)
    return coded ^ gold_sequence(coded.size)


def plan_of_scheme(who: str, scheme: LinkScheme) -> TransportBlockPlan:
    """Plan the frame that a LinkScheme names.

    Args:
        who: The block that asks, as its message begins.
        scheme: Of the header.

    Raises:
        SignalError: it is an ideal code, no scheme, or not one byte fits into its uses.
    """
    if scheme.bits_per_symbol not in (2, 4, 6, 8, 10) or not 0 < scheme.code_rate_x1024 <= 973:
        raise SignalError(
            f"{who}: expected a LinkScheme of 2, 4, 6, 8 or 10 bits per symbol and a code rate up to 0.95, got "
            f"{scheme.bits_per_symbol} and {scheme.code_rate_x1024:g}/1024; 0 is an ideal code: channels/capacity"
        )
    chosen = Scheme(scheme.bits_per_symbol, scheme.code_rate_x1024)
    payload_bits = payload_bits_for(chosen, scheme.uses)
    if not payload_bits:
        raise SignalError(f"{who}: expected uses enough for a byte at {chosen.name}, got {scheme.uses}")
    coded_bits = scheme.uses * scheme.bits_per_symbol
    return plan_transport_block(payload_bits, coded_bits, scheme.bits_per_symbol, code_rate=chosen.code_rate)
