"""The scrambling of 5G NR: any frame's bits are sent as evenly as those of chance."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["PDSCH_C_INIT", "gold_sequence"]

PDSCH_C_INIT = (1 << 15) + 1
"""Start of the sequence for RNTI 1, code word 0 and cell 1: TS 38.211 section 7.3.1.1."""
_SKIPPED = 1600
_REGISTER = 31


@lru_cache(maxsize=8)
def gold_sequence(size: int, c_init: int = PDSCH_C_INIT) -> NDArray[np.uint8]:
    r"""Return the pseudo-random bits that a frame is scrambled with: sent = bits xor sequence.

    .. math::
        c(n) = x_1(n + 1600) \oplus x_2(n + 1600), \quad x_1(n + 31) = x_1(n + 3) \oplus x_1(n), \quad
        x_2(n + 31) = x_2(n + 3) \oplus x_2(n + 2) \oplus x_2(n + 1) \oplus x_2(n)

    Args:
        size: Bits of the frame.
        c_init: Start of the second register, 0 to 2 ** 31 - 1.

    Returns:
        uint8 ``[size]``, read-only.

    Raises:
        SignalError: the start is out of range.

    Source: TS 38.211 section 5.2.1.

    Example:
        >>> gold_sequence(8, c_init=1).tolist()
        [0, 0, 0, 0, 0, 0, 1, 0]
    """
    if not 0 <= c_init < 1 << _REGISTER:
        raise SignalError(f"scrambling: expected a start of 0 to 2 ** 31 - 1, got {c_init}")
    start = np.array([c_init >> bit & 1 for bit in range(_REGISTER)], np.uint8)
    first = np.eye(1, _REGISTER, dtype=np.uint8)[0]
    length = size + _SKIPPED
    sequence = (_register(first, (0, 3), length) ^ _register(start, (0, 1, 2, 3), length))[_SKIPPED:]
    sequence.flags.writeable = False
    return sequence


def _register(start: NDArray[np.uint8], taps: tuple[int, ...], length: int) -> NDArray[np.uint8]:
    """Run a shift register by strides: a recursion over GF(2) holds for steps of 2, 4, ... places too (squares)."""
    bits = np.zeros(length, np.uint8)
    bits[:_REGISTER] = start
    known, step = _REGISTER, 1
    while known < length:
        while 2 * step * _REGISTER <= known:
            step *= 2
        more = min((_REGISTER - taps[-1]) * step, length - known)
        for tap in taps:
            behind = known - (_REGISTER - tap) * step
            bits[known : known + more] ^= bits[behind : behind + more]
        known += more
    return bits
