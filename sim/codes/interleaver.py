"""Orders in which the elements of a frame are sent."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["InterleaverKind", "interleaver_order", "inverse_order"]

InterleaverKind = Literal["block", "random"]


@lru_cache(maxsize=8)
def interleaver_order(size: int, kind: InterleaverKind, *, rows: int = 1, seed: int = 0) -> NDArray[np.intp]:
    r"""Return the index of the element that is sent at each place.

    ``block`` writes row by row into a rectangle and reads column by column; cells that the last row does not fill are
    left out. Neighbours in a row are sent about ``rows`` places apart.
    ``random`` is a permutation that a seed alone decides, on every machine and with every version of numpy.

    .. math:: \text{block}: \quad \pi = (0, c, 2c, \dots, 1, c + 1, \dots), \quad c = \lceil n / \mathrm{rows} \rceil

    Args:
        size: Elements of the frame, n.
        kind: Of the order.
        rows: Of the rectangle (``block``).
        seed: 0 to 2 ** 128 - 1 (``random``).

    Returns:
        intp ``[size]``, read-only: ``sent = frame[order]``.

    Raises:
        SignalError: fewer than one row, or a seed out of range.

    Example:
        >>> interleaver_order(7, "block", rows=3).tolist()
        [0, 3, 6, 1, 4, 2, 5]
    """
    if rows < 1:
        raise SignalError(f"interleaver: expected at least 1 row, got {rows}")
    if not 0 <= seed < 2**128:
        raise SignalError(f"interleaver: expected a seed from 0 to 2 ** 128 - 1, got {seed}")
    if kind == "random":
        # raw words of Philox and a stable sort, not Generator.permutation, which a new numpy may change
        order = np.argsort(np.random.Philox(key=seed).random_raw(size), kind="stable")
    else:
        columns = -(-size // rows)
        cells = np.arange(rows * columns).reshape(rows, columns).T.reshape(-1)
        order = cells[cells < size]
    order.setflags(write=False)
    return order


def inverse_order(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the order that undoes another: ``frame = sent[inverse_order(order)]``.

    Args:
        order: intp ``[n]``, a permutation.
    """
    inverse = np.empty_like(order)
    inverse[order] = np.arange(order.size)
    return inverse
