"""Transport blocks of 5G NR: check sums, code blocks, LDPC, rate matching; one layer, redundancy version 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits
from ..codes.crc import CrcKind, attach_crc, check_crc
from ..codes.ldpc.decode import decode
from ..codes.ldpc.encode import encode
from ..codes.ldpc.graph import LdpcCode, ldpc_code
from ..codes.ldpc.rate_match import rate_match, rate_recover, rows_sent
from ..codes.ldpc.segment import (
    BaseGraph,
    code_block_crc_bits,
    highest_rate,
    lifting_size,
    segment,
    transport_block_crc_bits,
)

__all__ = [
    "DecodedTransportBlock",
    "TransportBlockPlan",
    "coded_bits_for",
    "decode_transport_block",
    "encode_transport_block",
    "plan_transport_block",
]


@dataclass(frozen=True)
class TransportBlockPlan:
    """How a payload becomes coded bits; both ends work it out from the same numbers.

    Attributes:
        payload_bits: Bits A of the payload.
        coded_bits: Bits G that are sent.
        bits_per_symbol: Of the constellation; sets the interleaver.
        base_graph: 1 or 2.
        z: Lifting size.
        blocks: Number of code blocks C.
        block_bits: Bits K' of each, check sums included.
        padding_bits: Zeros behind the payload, so that all code blocks are equally long; below C.
        sent_bits: Bits E of each code block, ``C`` numbers that sum up to G.
    """

    payload_bits: int
    coded_bits: int
    bits_per_symbol: int
    base_graph: BaseGraph
    z: int
    blocks: int
    block_bits: int
    padding_bits: int
    sent_bits: tuple[int, ...]

    @property
    def code(self) -> LdpcCode:
        """The code of every code block."""
        return ldpc_code(self.base_graph, self.z)

    @property
    def crc(self) -> CrcKind:
        """The transport block's check sum."""
        return "24A" if transport_block_crc_bits(self.payload_bits) == 24 else "16"

    @property
    def code_rate(self) -> float:
        """Information bits, check sums included, over coded bits."""
        return self.blocks * self.block_bits / self.coded_bits


class DecodedTransportBlock(NamedTuple):
    """What came out of a transport block.

    Attributes:
        payload: uint8 ``[..., A]``: the decisions, right or wrong.
        crc_ok: bool ``[...]``: every check sum held.
        block_ok: bool ``[..., C]``: the check sum of each code block held.
        iterations: int32 ``[..., C]``: of the decoder.
    """

    payload: NDArray[np.uint8]
    crc_ok: NDArray[np.bool_]
    block_ok: NDArray[np.bool_]
    iterations: NDArray[np.int32]


def coded_bits_for(payload_bits: int, code_rate: float, bits_per_symbol: int) -> int:
    """Coded bits G of a payload at a code rate that counts check sums as information; whole symbols a code block.

    Args:
        payload_bits: Bits A of the payload.
        code_rate: Above 0 and up to 0.95; one that the code block is too short for is lowered.
        bits_per_symbol: Of the constellation.

    Raises:
        SignalError: ``payload_bits`` is negative.

    >>> coded_bits_for(1000, 0.5, 4)
    2032
    """
    cut = segment(payload_bits, code_rate)
    rate = min(code_rate, highest_rate(cut.block_bits))
    return cut.blocks * math.ceil(cut.block_bits / rate / bits_per_symbol) * bits_per_symbol


@lru_cache(maxsize=256)
def plan_transport_block(
    payload_bits: int, coded_bits: int, bits_per_symbol: int, *, code_rate: float | None = None
) -> TransportBlockPlan:
    """Plan how a payload is carried by a number of coded bits.

    Args:
        payload_bits: Bits A of the payload, 0 or more.
        coded_bits: Bits G to send: a multiple of ``bits_per_symbol``.
        bits_per_symbol: Bits of a symbol.
        code_rate: Target code rate, which decides on the base graph; ``None`` for A / G.

    Raises:
        SignalError: the numbers are negative, G is not a whole number of symbols, or the payload does not fit: its
            code rate would be above `highest_rate`.

    Source: TS 38.212, sections 5.2.2, 5.3.2, 5.4.2.1 (E of each code block) and 7.2.
    """
    if bits_per_symbol < 1 or coded_bits < 1 or coded_bits % bits_per_symbol:
        raise SignalError(
            f"transport block: expected coded bits in whole symbols of {bits_per_symbol} bits, got {coded_bits}"
        )
    cut = segment(payload_bits, payload_bits / coded_bits if code_rate is None else code_rate)
    symbols = coded_bits // bits_per_symbol
    least = symbols // cut.blocks * bits_per_symbol
    if least * highest_rate(cut.block_bits) < cut.block_bits:
        raise SignalError(
            f"transport block: expected a code rate of at most {highest_rate(cut.block_bits)}, got {payload_bits} "
            f"payload bits in {coded_bits} coded bits, {cut.block_bits} of {least} in a code block; send fewer "
            "bits or use more symbols"
        )
    z, _ = lifting_size(cut.base_graph, cut.block_bits)
    sent = [(symbols + block) // cut.blocks * bits_per_symbol for block in range(cut.blocks)]
    return TransportBlockPlan(
        payload_bits,
        coded_bits,
        bits_per_symbol,
        cut.base_graph,
        z,
        cut.blocks,
        cut.block_bits,
        cut.padding_bits,
        tuple(sent),
    )


def encode_transport_block(plan: TransportBlockPlan, payload: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn payloads into coded bits.

    Args:
        plan: Of `plan_transport_block`.
        payload: uint8 of 0 and 1, ``[..., A]``.

    Returns:
        uint8 ``[..., G]``.

    Raises:
        SignalError: not bits, or not A of them.
        MissingExtra: Sionna, which holds the base graphs, is not installed.

    Source: TS 38.212, section 7.2 (without scrambling, which is of TS 38.211).
    """
    check_bits("transport block", payload)
    if payload.shape[-1:] != (plan.payload_bits,):
        raise SignalError(f"transport block: expected {plan.payload_bits} payload bits, got {list(payload.shape)}")
    frames, code = math.prod(payload.shape[:-1]), plan.code
    payloads = payload.reshape(frames, plan.payload_bits)
    padded = np.concatenate([payloads, np.zeros((frames, plan.padding_bits), np.uint8)], axis=1)
    blocks = attach_crc(padded, plan.crc).reshape(frames * plan.blocks, -1)
    if plan.blocks > 1:
        blocks = attach_crc(blocks, "24B")
    filler = np.zeros((len(blocks), code.information_columns * code.z - plan.block_bits), np.uint8)
    rows = rows_sent(code, plan.block_bits, max(plan.sent_bits))
    words = encode(code, np.concatenate([blocks, filler], axis=1), rows=rows).reshape(frames, plan.blocks, -1)
    coded = np.empty((frames, plan.coded_bits), np.uint8)
    for part, place, sent_bits in _equally_long(plan):
        matched = rate_match(
            code, words[:, part].reshape(-1, words.shape[2]), plan.block_bits, sent_bits, plan.bits_per_symbol
        )
        coded[:, place] = matched.reshape(frames, -1)
    return coded.reshape(*payload.shape[:-1], plan.coded_bits)


def decode_transport_block(
    plan: TransportBlockPlan, llrs: NDArray[np.float32], *, iterations: int = 20, threads: int = 1
) -> DecodedTransportBlock:
    """Decode received values; failed blocks keep the decoder's decisions.

    Args:
        plan: Of `plan_transport_block`.
        llrs: float32 ``[..., G]``, ln P(1)/P(0); infinite ones are certain, zeros erased.
        iterations: The most that the decoder takes.
        threads: Of the processor; the result does not depend on it.

    Raises:
        SignalError: not G values, or one is not a number.
        MissingExtra: numba, or Sionna, which holds the base graphs, is not installed.

    Source: TS 38.212, section 7.2.
    """
    if llrs.shape[-1:] != (plan.coded_bits,):
        raise SignalError(f"transport block: expected {plan.coded_bits} LLRs, got {list(llrs.shape)}")
    values = llrs.reshape(-1, plan.coded_bits)
    frames, code = len(values), plan.code
    bits = np.empty((frames, plan.blocks, plan.block_bits), np.uint8)
    decided = np.empty((frames, plan.blocks), np.bool_)
    iterations_used = np.empty((frames, plan.blocks), np.int32)
    for part, place, sent_bits in _equally_long(plan):
        received = rate_recover(code, values[:, place].reshape(-1, sent_bits), plan.block_bits, plan.bits_per_symbol)
        found = decode(code, received, plan.block_bits, iterations=iterations, threads=threads)
        bits[:, part] = found.bits.reshape(frames, -1, plan.block_bits)
        decided[:, part] = found.is_decided.reshape(frames, -1)
        iterations_used[:, part] = found.iterations.reshape(frames, -1)
    block_ok = decided & check_crc(bits, plan.crc if plan.blocks == 1 else "24B")
    joined = bits[:, :, : plan.block_bits - code_block_crc_bits(plan.blocks)].reshape(frames, -1)
    crc_ok = block_ok.all(axis=1) & check_crc(joined, plan.crc)
    shape = llrs.shape[:-1]
    return DecodedTransportBlock(
        np.ascontiguousarray(joined[:, : plan.payload_bits]).reshape(*shape, plan.payload_bits),
        crc_ok.reshape(shape),
        block_ok.reshape(*shape, plan.blocks),
        iterations_used.reshape(*shape, plan.blocks),
    )


def _equally_long(plan: TransportBlockPlan) -> list[tuple[slice, slice, int]]:
    """Code blocks that send equally many bits, where those stand in the frame, and how many there are of each."""
    parts, first, place = [], 0, 0
    for sent_bits in dict.fromkeys(plan.sent_bits):  # at most two, the shorter ones first
        count = plan.sent_bits.count(sent_bits)
        parts.append((slice(first, first + count), slice(place, place + count * sent_bits), sent_bits))
        first, place = first + count, place + count * sent_bits
    return parts
