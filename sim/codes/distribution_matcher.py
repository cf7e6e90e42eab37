r"""Distribution matching of constant composition: bits to sequences in which each value stands a given number of times.

Of all sequences of n values with the counts :math:`n_0, n_1, \dots` there are

.. math:: W = \frac{n!}{n_0!\, n_1! \cdots}

which are numbered in lexicographic order; :math:`\lfloor \log_2 W \rfloor` bits choose one. Whole numbers of any length
alone, so that every machine gives the same sequence.

Source: Schulte & Boecherer, Constant composition distribution matching, IEEE Trans. Inf. Theory 62(1), 2016; Cover,
Enumerative source encoding, IEEE Trans. Inf. Theory 19(1), 1973.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits

__all__ = ["input_bits", "match", "unmatch"]


def input_bits(counts: Sequence[int]) -> int:
    r"""How many bits choose a sequence: :math:`\lfloor \log_2 W \rfloor`.

    Args:
        counts: How often each value stands in a sequence.

    Raises:
        SignalError: a count is negative.

    >>> input_bits((2, 2))
    2
    """
    return _sequences(tuple(counts)).bit_length() - 1


def match(bits: NDArray[np.uint8], counts: Sequence[int]) -> NDArray[np.uint8]:
    """Turn bits into a sequence of this composition.

    Args:
        bits: uint8 of 0 and 1, ``[input_bits(counts)]``.
        counts: How often each value stands in it; at most 256 values.

    Returns:
        uint8 ``[sum(counts)]``: the values, 0 to ``len(counts) - 1``.

    Raises:
        SignalError: not bits, or not so many; a count is negative.

    >>> match(np.array([1, 0], np.uint8), (2, 2)).tolist()
    [0, 1, 1, 0]
    """
    check_bits("distribution matcher", bits)
    expected = input_bits(counts)
    if bits.shape != (expected,):
        raise SignalError(f"distribution matcher: expected {expected} bits, got {list(bits.shape)}")
    rank = int.from_bytes(np.packbits(bits).tobytes(), "big") >> (-bits.size % 8)
    left, sequences = list(counts), _sequences(tuple(counts))
    length = sum(left)
    chosen = bytearray(length)
    for place in range(length):
        # Those that go on with a value are a share left[value] / (length - place) of the sequences, in their order
        below, value, before = rank * (length - place) // sequences, 0, 0
        while below >= before + left[value]:
            before += left[value]
            value += 1
        rank -= sequences * before // (length - place)
        sequences = sequences * left[value] // (length - place)
        left[value] -= 1
        chosen[place] = value
    return np.frombuffer(chosen, np.uint8)


def unmatch(values: NDArray[np.uint8], counts: Sequence[int]) -> NDArray[np.uint8] | None:
    """Turn a sequence back into bits.

    Args:
        values: uint8 ``[sum(counts)]``.
        counts: How often each value stands in a sequence.

    Returns:
        uint8 ``[input_bits(counts)]``; ``None`` where `match` makes no such sequence: one of another composition, or
        one beyond the last number.

    Raises:
        SignalError: a sequence of another length; a count is negative.

    >>> unmatch(np.array([0, 1, 1, 0], np.uint8), (2, 2)).tolist()
    [1, 0]
    """
    left, sequences = list(counts), _sequences(tuple(counts))
    length = sum(left)
    if values.shape != (length,):
        raise SignalError(f"distribution matcher: expected {length} values, got {list(values.shape)}")
    if np.bincount(values, minlength=len(left)).tolist() != left:
        return None
    bits, rank = sequences.bit_length() - 1, 0
    for place, value in enumerate(values.tolist()):
        rank += sequences * sum(left[:value]) // (length - place)
        sequences = sequences * left[value] // (length - place)
        left[value] -= 1
    if rank >> bits:
        return None
    found = np.frombuffer((rank << (-bits % 8)).to_bytes(-(-bits // 8), "big"), np.uint8)
    return np.unpackbits(found)[:bits]


@lru_cache(maxsize=1024)
def _sequences(counts: tuple[int, ...]) -> int:
    """Return W."""
    if any(count < 0 for count in counts):
        raise SignalError(f"distribution matcher: expected counts of 0 and more, got {list(counts)}")
    return math.prod(math.comb(total, count) for total, count in zip(accumulate(counts), counts, strict=True))
