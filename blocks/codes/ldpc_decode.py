"""`codes/ldpc_decode`."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.codes.ldpc.decode import load_decoder
from ...sim.codes.ldpc.graph import load_base_graphs
from ...sim.codes.scrambling import gold_sequence
from ...sim.links.shaped_block import ShapedBlockPlan, decode_shaped_block
from ...sim.links.transport_block import TransportBlockPlan, decode_transport_block, plan_transport_block
from ...sim.side_information.transport_block import TransportBlock
from .._coded_link.told_scheme import told_scheme
from ..block import Block
from ..envelope import Header, Out, State
from ..params import BlockParams
from ..ports import Bits, Llrs
from ._scheme import plan_of_scheme

__all__ = ["LdpcDecode"]

PLAIN, SHAPED = 20, 50  # iterations


class LdpcDecode(Block):
    r"""Decodes what ``codes/ldpc_encode`` sent, by layered belief propagation, and checks its check sums.

    .. math:: |a \boxplus b| = \min(a, b) + \ln(1 + e^{-(a + b)}) - \ln(1 + e^{-|a - b|})

    Messages are integers of 1/64, so that the same bits come out on every machine. A code block ends at its first
    codeword. A frame that fails keeps the decisions, and says so in the receiver's state.

    Input:   llrs: float32 ``[G]``, ln P(1)/P(0), 0 where erased; header: TransportBlock, or LinkScheme,
             MatchedScheme or ShapedScheme in its place.
    Output:  uint8 ``[A]``; receiver state: crc_ok; trace: blocks, block_errors (code blocks whose check sum failed).
    Raises:  SignalError: a number of LLRs that no such frame has, or one is not a number. MissingExtra: numba, or
             Sionna, which holds the base graphs, is not installed.
    State:   none; the compiled decoder, loaded by `start`.
    Source:  TS 38.212 section 7.2; Jones, Valles, Smith & Villasenor, Approximate-MIN* constraint node updating for
             LDPC code decoding, MILCOM 2003.
    Example: ``decode: {use: codes/ldpc_decode, iterations: 20}``
    """

    class Params(BlockParams):
        """Parameters."""

        iterations: int | None = Field(
            None,
            ge=1,
            le=1000,
            description="The most that a code block takes; null: 20, and 50 if shaped, as thresholds were measured.",
        )
        threads: int = Field(1, ge=1, le=64, description="Of the processor; the output does not depend on it.")

    params: Params
    reads_header = (TransportBlock,)

    def start(self) -> None:
        """Load the compiled decoder and the base graphs."""
        load_base_graphs()
        load_decoder()

    def work(self, llrs: Llrs, header: Header) -> Out[Bits]:
        """Decode one frame."""
        plan = _plan(header, llrs.size)
        threads = self.params.threads
        if isinstance(plan, ShapedBlockPlan):
            found = decode_shaped_block(plan, llrs, iterations=self.params.iterations or SHAPED, threads=threads)
        else:
            unscrambled = np.where(gold_sequence(llrs.size), -llrs, llrs)
            found = decode_transport_block(
                plan, unscrambled, iterations=self.params.iterations or PLAIN, threads=threads
            )
        errors = int((~found.block_ok).sum())
        return Out(
            found.payload,
            state=State(crc_ok=bool(found.crc_ok)),
            trace={"blocks": float(plan.blocks), "block_errors": float(errors)},
        )


def _plan(header: Header, coded_bits: int) -> TransportBlockPlan | ShapedBlockPlan:
    told = None if "TransportBlock" in header else told_scheme(header)
    if told is None:
        block = header.read(TransportBlock)
        return plan_transport_block(block.payload_bits, coded_bits, block.bits_per_symbol)
    bits_per_symbol = told.scheme.bits_per_symbol if told.scheme else 1
    if coded_bits % bits_per_symbol:
        raise SignalError(
            f"codes/ldpc_decode: expected LLRs for whole symbols of {bits_per_symbol} bits, got {coded_bits}"
        )
    return plan_of_scheme("codes/ldpc_decode", told, coded_bits // bits_per_symbol)
