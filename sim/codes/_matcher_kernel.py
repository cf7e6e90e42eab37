"""The distribution matcher's inner loops, compiled: arithmetic decoding and coding with the counts that are left."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import compiled

BITS = 56  # of the interval; a part of it is at least 2 ** (48 - 16) wide, so that what rounding takes is small
_TOP, _BOTTOM = np.uint64(1 << BITS), np.uint64(1 << (BITS - 8))
_BYTE = np.uint64(8)


@compiled
def match(data: Any, left: Any, out: Any) -> None:
    """Fill ``out``, uint8, with the sequence whose part of [0, 1) holds 0.data; ``left``, int64, are the counts."""
    code, size, at, total = np.uint64(0), _TOP, 0, 0
    for count in left:
        total += count
    while at < BITS // 8:
        code = (code << _BYTE) | np.uint64(data[at])
        at += 1
    for place in range(out.size):
        step = size // np.uint64(total)
        rank = min(np.int64(code // step), total - 1)
        value, before = 0, 0
        while rank >= before + left[value]:
            before += left[value]
            value += 1
        code -= step * np.uint64(before)
        whole = before + left[value] == total  # the last part takes what rounding leaves
        size = size - step * np.uint64(before) if whole else step * np.uint64(left[value])
        while size <= _BOTTOM:
            code = (code << _BYTE) | np.uint64(data[at])
            size <<= _BYTE
            at += 1
        left[value] -= 1
        total -= 1
        out[place] = value


@compiled
def unmatch(values: Any, left: Any, out: Any) -> Any:
    """Write the lower end of a sequence's part of [0, 1) to ``out``, uint8; return its bytes, and the part's size."""
    low, size, at, total = np.uint64(0), _TOP, 0, 0
    for count in left:
        total += count
    for value in values:
        step = size // np.uint64(total)
        before = 0
        for lower in range(value):
            before += left[lower]
        low += step * np.uint64(before)
        whole = before + left[value] == total
        size = size - step * np.uint64(before) if whole else step * np.uint64(left[value])
        if low >= _TOP:
            low -= _TOP
            carry = at - 1
            while out[carry] == 255:
                out[carry] = 0
                carry -= 1
            out[carry] += 1
        while size <= _BOTTOM:
            out[at] = low >> np.uint64(BITS - 8)
            low = (low << _BYTE) & (_TOP - np.uint64(1))
            size <<= _BYTE
            at += 1
        left[value] -= 1
        total -= 1
    for shift in range(BITS - 8, -1, -8):
        out[at] = (low >> np.uint64(shift)) & np.uint64(255)
        at += 1
    return at, size
