r"""The cyclic redundancy checks of TS 38.212.

.. math:: p(D) = D^L\, b(D) \bmod g(D)

with the first bit at the highest power, no initial value, nothing reflected and nothing inverted.

Source: TS 38.212 section 5.1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits

__all__ = ["CrcKind", "attach_crc", "check_crc", "crc", "crc_length"]

CrcKind = Literal["24A", "24B", "24C", "16", "11", "6"]

_POLYNOMIALS: dict[str, tuple[int, int]] = {  # length, and g without its highest power
    "24A": (24, 0x864CFB),
    "24B": (24, 0x800063),
    "24C": (24, 0xB2B117),
    "16": (16, 0x1021),
    "11": (11, 0x621),
    "6": (6, 0x21),
}
_SEGMENT = 4096  # bits: longer words are taken in segments, so that the table stays small


def crc_length(kind: CrcKind) -> int:
    """Return how many bits a check has.

    Raises:
        SignalError: no such check.
    """
    if kind not in _POLYNOMIALS:
        raise SignalError(f"crc: expected one of {', '.join(_POLYNOMIALS)}, got {kind!r}")
    return _POLYNOMIALS[kind][0]


def crc(bits: NDArray[np.uint8], kind: CrcKind) -> NDArray[np.uint8]:
    """Return the parity bits of words.

    Args:
        bits: uint8 ``[..., n]`` of 0 and 1: one word, or many of the same length.
        kind: ``"24A"``, ``"24B"``, ``"24C"``, ``"16"``, ``"11"`` or ``"6"``.

    Returns:
        uint8 ``[..., L]``, the highest power first; zeros for an empty word.

    Raises:
        SignalError: no such check, or not bits.
    """
    length = crc_length(kind)
    check_bits("crc", bits)
    if bits.ndim == 0:
        raise SignalError("crc: expected bits [..., n], got []")
    size = bits.shape[-1]
    segments = max(1, -(-size // _SEGMENT))
    width = _SEGMENT if segments > 1 else size
    front = segments * width - size  # zeros before the first bit change nothing
    words = np.concatenate([np.zeros((*bits.shape[:-1], front), np.uint8), bits], axis=-1) if front else bits
    words = words.reshape(*bits.shape[:-1], segments, width)
    table = _remainders(kind)
    parts = (words.astype(np.float32) @ table[_SEGMENT - width : _SEGMENT]).astype(np.int64) & 1  # sums below 2 ** 24
    shift = table[:length].astype(np.int64)  # of D^L D^(SEGMENT-1) down to D^L D^(SEGMENT-L)
    found = parts[..., 0, :]
    for index in range(1, segments):
        found = (found @ shift + parts[..., index, :]) & 1
    return found.astype(np.uint8)


def attach_crc(bits: NDArray[np.uint8], kind: CrcKind) -> NDArray[np.uint8]:
    """Return words with their parity bits behind them.

    Args:
        bits: uint8 ``[..., n]``.
        kind: Which check.

    Raises:
        SignalError: no such check, or not bits.
    """
    return np.concatenate([bits, crc(bits, kind)], axis=-1)


def check_crc(bits: NDArray[np.uint8], kind: CrcKind) -> NDArray[np.bool_]:
    """Say of words with parity bits whether they hold.

    Args:
        bits: uint8 ``[..., n + L]``.
        kind: Which check.

    Returns:
        bool ``[...]``; False for words shorter than their check.

    Raises:
        SignalError: no such check, or not bits.
    """
    if bits.ndim and bits.shape[-1] < crc_length(kind):
        return np.zeros(bits.shape[:-1], np.bool_)
    return np.asarray(~crc(bits, kind).any(axis=-1))  # b D^L + p is a multiple of g


@lru_cache
def _remainders(kind: CrcKind) -> NDArray[np.float32]:
    """Return row i: D^L D^(SEGMENT - 1 - i) mod g, [SEGMENT, L] of 0 and 1."""
    length, polynomial = _POLYNOMIALS[kind]
    rows = np.empty(_SEGMENT, np.int64)
    remainder = polynomial
    for row in range(_SEGMENT - 1, -1, -1):
        rows[row] = remainder
        remainder <<= 1
        if remainder >> length:
            remainder ^= 1 << length | polynomial
    return (rows[:, None] >> np.arange(length - 1, -1, -1) & 1).astype(np.float32)
