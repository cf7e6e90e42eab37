r"""Distribution matching of constant composition: bits to sequences in which each value stands a given number of times.

Of all sequences of n values with the counts :math:`n_0, n_1, \dots` there are

.. math:: W = \frac{n!}{n_0!\, n_1! \cdots}

Each has a part of [0, 1) of length 1/W, in lexicographic order. :math:`k = \lfloor \log_2 W \rfloor` bits are a point
of it, which lies in the part of the sequence that they choose. Parts are found symbol by symbol, as an arithmetic coder
does whose probabilities are the shares of the counts that are left; in whole numbers, so that every machine gives the
same sequence.

Source: Schulte & Boecherer, Constant composition distribution matching, IEEE Trans. Inf. Theory 62(1), 2016; Witten,
Neal & Cleary, Arithmetic coding for data compression, Comm. ACM 30(6), 1987.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError
from ..bits import check_bits

__all__ = ["input_bits", "match", "unmatch"]

_MOST = 1 << 16  # values of a sequence
_ROOM = 16  # bytes that the kernel reads and writes beyond the bits


def input_bits(counts: Sequence[int]) -> int:
    r"""How many bits choose a sequence: :math:`\lfloor \log_2 W \rfloor`, of a W that rounding makes a little smaller.

    Args:
        counts: How often each value stands in a sequence.

    Raises:
        SignalError: a count is negative, or they sum up to more than 65536.

    >>> input_bits((2, 2))
    2
    """
    return _input_bits(tuple(counts))


def match(bits: NDArray[np.uint8], counts: Sequence[int]) -> NDArray[np.uint8]:
    """Turn bits into a sequence of this composition.

    Args:
        bits: uint8 of 0 and 1, ``[input_bits(counts)]``.
        counts: How often each value stands in it; at most 256 values.

    Returns:
        uint8 ``[sum(counts)]``: the values, 0 to ``len(counts) - 1``.

    Raises:
        SignalError: not bits, or not so many; see `input_bits`.
        MissingExtra: numba is not installed.

    >>> match(np.array([1, 0], np.uint8), (2, 2)).tolist()
    [1, 0, 0, 1]
    """
    check_bits("distribution matcher", bits)
    expected = input_bits(counts)
    if bits.shape != (expected,):
        raise SignalError(f"distribution matcher: expected {expected} bits, got {list(bits.shape)}")
    data = np.zeros(expected // 8 + _ROOM, np.uint8)
    packed = np.packbits(bits)
    data[: packed.size] = packed
    values = np.empty(sum(counts), np.uint8)
    _load_kernel().match(data, np.array(counts, np.int64), values)
    return values


def unmatch(values: NDArray[np.uint8], counts: Sequence[int]) -> NDArray[np.uint8] | None:
    """Turn a sequence back into bits.

    Args:
        values: uint8 ``[sum(counts)]``.
        counts: How often each value stands in a sequence.

    Returns:
        uint8 ``[input_bits(counts)]``; ``None`` where `match` makes no such sequence: one of another composition, or
        one whose part holds no point.

    Raises:
        SignalError: a sequence of another length; see `input_bits`.
        MissingExtra: numba is not installed.

    >>> unmatch(np.array([1, 0, 0, 1], np.uint8), (2, 2)).tolist()
    [1, 0]
    """
    bits = input_bits(counts)
    if values.shape != (sum(counts),):
        raise SignalError(f"distribution matcher: expected {sum(counts)} values, got {list(values.shape)}")
    if np.bincount(values, minlength=len(counts)).tolist() != list(counts):
        return None
    digits = np.zeros(bits // 8 + _ROOM, np.uint8)
    used, size = _load_kernel().unmatch(values, np.array(counts, np.int64), digits)
    low, unit = int.from_bytes(digits[:used].tobytes(), "big"), 8 * int(used) - bits
    point = -(-low >> unit)  # the first that is not below the part's lower end
    if point << unit >= low + int(size) or point >> bits:
        return None
    found = np.frombuffer((point << (-bits % 8)).to_bytes(-(-bits // 8), "big"), np.uint8)
    return np.unpackbits(found)[:bits]


@lru_cache(maxsize=1024)
def _input_bits(counts: tuple[int, ...]) -> int:
    if any(count < 0 for count in counts):
        raise SignalError(f"distribution matcher: expected counts of 0 and more, got {list(counts)}")
    if sum(counts) > _MOST:
        raise SignalError(f"distribution matcher: expected at most {_MOST} values, got {sum(counts)}")
    sequences = math.prod(math.comb(total, count) for total, count in zip(accumulate(counts), counts, strict=True))
    return (
        sequences - (sequences >> 16)
    ).bit_length() - 1  # no part may hold two points, and roundings differ in length


@lru_cache(maxsize=1)
def _load_kernel() -> ModuleType:
    try:
        from . import _matcher_kernel
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise MissingExtra("scheme: shaped", "numba", "links") from None
    return _matcher_kernel
