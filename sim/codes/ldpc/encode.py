"""Encoding of the 5G NR codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....errors import SignalError
from .graph import CORE_ROWS, LdpcCode

__all__ = ["encode"]


def encode(code: LdpcCode, information: NDArray[np.uint8], *, rows: int | None = None) -> NDArray[np.uint8]:
    r"""Append the parity bits, without solving anything: the four core rows sum up to one shift of the first block.

    .. math:: \sum_{r<4} \lambda_r = P\, p_0, \quad \text{then row by row each new block of parity bits}

    Args:
        code: The code.
        information: uint8 of 0 and 1, ``[blocks, K]``, K = information columns times Z, filler bits as zeros.
        rows: Rows of the base graph to fulfil, 4 at least; ``None`` for all of them.

    Returns:
        uint8 ``[blocks, (information columns + rows) Z]``: the first bits of the codewords, punctured ones included.

    Raises:
        SignalError: the number of information bits differs from K.

    Source: TS 38.212, section 5.3.2.
    """
    z, columns = code.z, code.information_columns
    if information.ndim != 2 or information.shape[1] != columns * z:
        raise SignalError(f"LDPC: expected information bits [blocks, {columns * z}], got {list(information.shape)}")
    rows = code.rows if rows is None else min(max(rows, CORE_ROWS), code.rows)
    blocks = len(information)
    word = np.zeros((columns + rows, blocks, 2 * z), np.uint8)  # every block of bits twice in a row: shifts are slices
    word[:columns, :, :z] = information.reshape(blocks, columns, z).swapaxes(0, 1)
    word[:columns, :, z:] = word[:columns, :, :z]

    def checks(row: int, *, without: int = -1) -> NDArray[np.uint8]:
        total = np.zeros((blocks, z), np.uint8)
        for column, shift in code.entries(row):
            if column != without:
                total ^= word[column, :, shift : shift + z]
        return total

    # In the sum of the core rows the other parity blocks cancel, and of the three entries of the first one remains
    total = checks(0) ^ checks(1) ^ checks(2) ^ checks(3)
    shifts = [shift for row in range(CORE_ROWS) for column, shift in code.entries(row) if column == columns]
    (left,) = {shift for shift in shifts if shifts.count(shift) % 2}
    word[columns, :, :z] = word[columns, :, z:] = np.roll(total, left, axis=1)
    for row in [*range(CORE_ROWS - 1), *range(CORE_ROWS, rows)]:
        new = columns + row + (row < CORE_ROWS)
        word[new, :, :z] = word[new, :, z:] = checks(row, without=new)
    return np.ascontiguousarray(word[:, :, :z].swapaxes(0, 1)).reshape(blocks, -1)
