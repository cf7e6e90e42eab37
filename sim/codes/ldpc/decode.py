"""Decoding of the 5G NR codes: layered belief propagation in 16-bit integers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....errors import MissingExtra, SignalError
from .graph import LdpcCode

__all__ = ["Decoded", "decode", "load_decoder"]

ONE = 64  # steps of a log-likelihood ratio of 1
LARGEST = 2000  # of a channel value: 31
LANES = 512  # short blocks are decoded side by side, so that rows fill the vector registers


class Decoded(NamedTuple):
    """What a decoder found.

    Attributes:
        bits: uint8 ``[blocks, K']``: the decisions.
        is_codeword: bool ``[blocks]``: every parity check held, and every bit was decided.
        is_decided: bool ``[blocks]``: every bit was decided: erased values alone leave bits that are neither 0 nor 1.
        iterations: int32 ``[blocks]``: how many there were.
    """

    bits: NDArray[np.uint8]
    is_codeword: NDArray[np.bool_]
    is_decided: NDArray[np.bool_]
    iterations: NDArray[np.int32]


@lru_cache(maxsize=1)
def load_decoder() -> Any:
    """Return the compiled decoder; the first call on a machine compiles it, which takes some seconds.

    Raises:
        MissingExtra: numba is not installed.
    """
    try:
        from ._kernel import decode_group
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise MissingExtra("codes/ldpc_decode", "numba", "links") from None
    one = np.zeros(1, np.int32)  # two bits and their one check: what is compiled now is no longer to be waited for
    entries = np.array([0, 1], np.int32)
    decode_group(
        np.ones((2, 1), np.int16), entries * 2, entries, entries * 0, 1, np.zeros((1, 1), np.uint8), one, one > 0
    )
    return decode_group


def decode(
    code: LdpcCode, llrs: NDArray[np.float32], block_bits: int, *, iterations: int = 20, threads: int = 1
) -> Decoded:
    r"""Decode code blocks row by row of the base graph, until all parity checks hold.

    .. math:: |a \boxplus b| = \min(a, b) + \ln(1 + e^{-(a + b)}) - \ln(1 + e^{-|a - b|})

    A check answers the least reliable of its bits with the combination of all others, and every other bit with that of
    all bits. Messages are integers of 1/64, up to 16, and the logarithms two straight lines each. Neither the number of
    threads nor the blocks decoded beside it change what becomes of a block.

    Args:
        code: The code.
        llrs: float32 ``[blocks, n]``, ln P(1)/P(0): of the first n bits of the codewords, whole columns; 0 for
            punctured bits. Rows of the base graph whose parity bits lie beyond are left out.
        block_bits: Bits K' of each code block; the filler bits behind them are known.
        iterations: The most there are.
        threads: Of the processor; each takes other blocks.

    Raises:
        SignalError: n is not of this code, or a value is not a number.
        MissingExtra: numba is not installed.

    Source: Jones, Valles, Smith & Villasenor, Approximate-MIN* constraint node updating for LDPC code decoding,
    MILCOM 2003; Hocevar, A reduced complexity decoder architecture via layered decoding of LDPC codes, SiPS 2004.
    """
    z, information = code.z, code.information_columns
    width = llrs.shape[-1] // z
    if llrs.ndim != 2 or llrs.shape[1] != width * z or not information + 4 <= width <= code.columns:
        raise SignalError(
            f"LDPC: expected LLRs [blocks, n], n a multiple of {z} from {(information + 4) * z} to {code.columns * z}, "
            f"got {list(llrs.shape)}"
        )
    if np.isnan(llrs).any():
        raise SignalError("LDPC: expected LLRs, got values that are not a number")
    kernel = load_decoder()
    starts, columns, shifts = _known_zero_left_out(code, width - information, block_bits)
    blocks = len(llrs)
    steps = np.clip(llrs, np.float32(-LARGEST / ONE), np.float32(LARGEST / ONE))  # before the product: no overflow
    steps *= np.float32(-ONE)
    values = np.rint(steps, out=steps).astype(np.int16).reshape(blocks, width, z)
    bits, used = np.empty((blocks, block_bits), np.uint8), np.zeros(blocks, np.int32)
    decided = np.zeros(blocks, np.bool_)
    group = max(LANES // z, 1)

    def run(first: int) -> None:
        part = slice(first, min(first + group, blocks))
        beside = part.stop - part.start
        total = np.ascontiguousarray(values[part].transpose(1, 2, 0)).reshape(width, z * beside)
        kernel(total, starts, columns, shifts * np.int32(beside), iterations, bits[part], used[part], decided[part])

    if threads == 1:
        for first in range(0, blocks, group):
            run(first)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(0, blocks, group)))
    return Decoded(bits, used > 0, decided, np.where(used, used, iterations).astype(np.int32))


@lru_cache(maxsize=256)
def _known_zero_left_out(
    code: LdpcCode, rows: int, block_bits: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Entries of the first rows, without columns that hold filler bits alone: zeros change no check."""
    last = code.row_starts[rows]
    columns, shifts = code.entry_columns[:last], code.entry_shifts[:last]
    kept = (columns < -(-block_bits // code.z)) | (columns >= code.information_columns)
    starts = np.concatenate([[0], np.cumsum(kept)])[code.row_starts[: rows + 1]].astype(np.int32)
    return starts, np.ascontiguousarray(columns[kept]), np.ascontiguousarray(shifts[kept])
