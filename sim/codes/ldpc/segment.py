"""How a transport block becomes code blocks: base graph, check sums, lifting size."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ....errors import SignalError

__all__ = [
    "BaseGraph",
    "Segmentation",
    "base_graph_of",
    "code_block_crc_bits",
    "highest_rate",
    "lifting_size",
    "segment",
    "transport_block_crc_bits",
]

BaseGraph = Literal[1, 2]

LIFTING_SIZES: tuple[tuple[int, ...], ...] = tuple(
    tuple(a * 2**j for j in range(8) if a * 2**j <= 384) for a in (2, 3, 5, 7, 9, 11, 13, 15)
)
"""Lifting sizes by set index; TS 38.212, Table 5.3.2-1."""
LARGEST_BLOCK: dict[BaseGraph, int] = {1: 8448, 2: 3840}
"""Bits of the largest code block, its check sum included; TS 38.212, section 5.2.2."""
BLOCK_CRC_BITS = 24
LONGEST_FOR_CRC16 = 3824


class Segmentation(NamedTuple):
    """What a transport block is cut into.

    Attributes:
        base_graph: 1 or 2.
        blocks: Number of code blocks C.
        block_bits: Bits K' of every code block, its check sum included.
        padding_bits: Zeros after the payload, so that all code blocks are equally long.
    """

    base_graph: BaseGraph
    blocks: int
    block_bits: int
    padding_bits: int


def transport_block_crc_bits(payload_bits: int) -> int:
    """Length of the transport block's check sum: 24 above 3824 bits, else 16. Source: TS 38.212, section 7.2.1."""
    return 24 if payload_bits > LONGEST_FOR_CRC16 else 16


def code_block_crc_bits(blocks: int) -> int:
    """Length of each code block's check sum: 24, none where there is one block. Source: TS 38.212, section 5.2.2."""
    return BLOCK_CRC_BITS if blocks > 1 else 0


def base_graph_of(payload_bits: int, code_rate: float) -> BaseGraph:
    """Base graph of a transport block.

    Args:
        payload_bits: Bits A of the payload, without check sums.
        code_rate: Target code rate R.

    Source: TS 38.212, section 7.2.2.
    """
    if payload_bits <= 292 or (payload_bits <= LONGEST_FOR_CRC16 and code_rate <= 0.67) or code_rate <= 0.25:
        return 2
    return 1


def segment(payload_bits: int, code_rate: float) -> Segmentation:
    """Cut a transport block into code blocks of equal length.

    The standard only meets payloads that can be cut so; any other is padded with at most ``blocks - 1`` zeros.

    Args:
        payload_bits: Bits A of the payload; may be 0, which leaves the check sum alone.
        code_rate: Target code rate R, which decides on the base graph.

    Raises:
        SignalError: ``payload_bits`` is negative.

    Source: TS 38.212, section 5.2.2.
    """
    if payload_bits < 0:
        raise SignalError(f"transport block: expected a number of payload bits, got {payload_bits}")
    graph = base_graph_of(payload_bits, code_rate)
    bits = payload_bits + transport_block_crc_bits(payload_bits)
    largest = LARGEST_BLOCK[graph]
    blocks = 1 if bits <= largest else -(-bits // (largest - BLOCK_CRC_BITS))
    padding = -bits % blocks
    return Segmentation(graph, blocks, (bits + padding) // blocks + code_block_crc_bits(blocks), padding)


def highest_rate(block_bits: int) -> float:
    """Highest rate of a code block that the decoder can begin with: 0.95, and 0.9 up to 192 bits.

    Two columns of information bits are never sent. Of the six columns that blocks up to 192 bits fill they are a third,
    and above 0.9 too few parity bits are there to find them by.

    Args:
        block_bits: Bits K' of the code block, its check sum included.

    Source: TS 38.214, section 5.1.3, for 0.95.
    """
    return 0.9 if block_bits <= 192 else 0.95


def lifting_size(base_graph: BaseGraph, block_bits: int) -> tuple[int, int]:
    """Least lifting size Z that holds a code block, and the index of its set.

    Args:
        base_graph: 1 or 2.
        block_bits: Bits K' of the code block, its check sum included.

    Raises:
        SignalError: the code block is longer than this base graph holds, or empty.

    Source: TS 38.212, section 5.2.2 and Table 5.3.2-1.
    """
    if not 0 < block_bits <= LARGEST_BLOCK[base_graph]:
        raise SignalError(
            f"LDPC: expected a code block of 1 to {LARGEST_BLOCK[base_graph]} bits "
            f"for base graph {base_graph}, got {block_bits}"
        )
    columns = 22 if base_graph == 1 else 6 if block_bits <= 192 else 8 if block_bits <= 560 else 9
    if base_graph == 2 and block_bits > 640:
        columns = 10
    return min((z, index) for index, sizes in enumerate(LIFTING_SIZES) for z in sizes if columns * z >= block_bits)
