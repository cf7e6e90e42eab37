"""From a codeword to the bits that are sent, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .graph import CORE_ROWS, LdpcCode

__all__ = ["rate_match", "rate_recover", "rows_sent"]

PUNCTURED_COLUMNS = 2


def rows_sent(code: LdpcCode, block_bits: int, sent_bits: int) -> int:
    """Rows of the base graph that bind what is sent; the parity bits of the others were never sent.

    Args:
        code: The code.
        block_bits: Bits K' of the code block; what is missing to K is filler.
        sent_bits: Bits E that are sent of the code block.
    """
    parity = sent_bits - (block_bits - PUNCTURED_COLUMNS * code.z)  # of the circular buffer without filler bits
    rows = -(-parity // code.z)
    return max(CORE_ROWS, min(rows, code.rows))


def rate_match(
    code: LdpcCode, word: NDArray[np.uint8], block_bits: int, sent_bits: int, bits_per_symbol: int
) -> NDArray[np.uint8]:
    """Select and interleave the bits that are sent, redundancy version 0.

    Args:
        code: The code.
        word: uint8 ``[blocks, n]``: the first n bits of the codewords, with at least `rows_sent` rows of parity.
        block_bits: Bits K' of each code block.
        sent_bits: Bits E to send of each, a multiple of ``bits_per_symbol``.
        bits_per_symbol: Bits m of a symbol; the interleaver writes in m rows and reads by columns.

    Returns:
        uint8 ``[blocks, E]``.

    Source: TS 38.212, sections 5.4.2.1 (whole circular buffer) and 5.4.2.2.
    """
    filler_end = code.information_columns * code.z
    sent = np.concatenate([word[:, PUNCTURED_COLUMNS * code.z : block_bits], word[:, filler_end:]], axis=1)
    if sent.shape[1] < sent_bits:  # low rates: the circular buffer is read again from its start
        sent = np.tile(sent, (1, -(-sent_bits // sent.shape[1])))
    sent = sent[:, :sent_bits].reshape(len(word), bits_per_symbol, -1)
    return np.ascontiguousarray(sent.swapaxes(1, 2)).reshape(len(word), sent_bits)


def rate_recover(
    code: LdpcCode, llrs: NDArray[np.float32], block_bits: int, bits_per_symbol: int
) -> NDArray[np.float32]:
    """Put received values where their bits stand in the codeword, and sum those of bits sent more than once.

    Args:
        code: The code.
        llrs: float32 ``[blocks, E]``, ln P(1)/P(0), finite.
        block_bits: Bits K' of each code block.
        bits_per_symbol: Bits of a symbol.

    Returns:
        float32 ``[blocks, (information columns + rows) Z]`` for the rows that `rows_sent` names: 0 for what was not
        sent, minus infinity for filler bits.

    Source: TS 38.212, sections 5.4.2.1 and 5.4.2.2.
    """
    blocks, sent_bits = llrs.shape
    filler_end, first = code.information_columns * code.z, PUNCTURED_COLUMNS * code.z
    width = (code.information_columns + rows_sent(code, block_bits, sent_bits)) * code.z
    inside = width - first - (filler_end - block_bits)  # of the circular buffer, without filler bits
    values = llrs.reshape(blocks, -1, bits_per_symbol).swapaxes(1, 2).reshape(blocks, sent_bits)
    if sent_bits > inside:
        whole = np.zeros((blocks, -(-sent_bits // inside) * inside), np.float32)
        whole[:, :sent_bits] = values.clip(-1e6, 1e6)  # infinities that disagree have no sum
        values = whole.reshape(blocks, -1, inside).sum(axis=1)
    word = np.zeros((blocks, width), np.float32)
    head = min(block_bits - first, values.shape[1])
    word[:, first : first + head] = values[:, :head]
    word[:, block_bits:filler_end] = -np.inf
    word[:, filler_end : filler_end + values.shape[1] - head] = values[:, head:]
    return word
