r"""Square Gray QAM of TS 38.211: bits to points and back by hard decision.

Even bits of a symbol choose the real part, odd bits the imaginary part, so that all reduces to Gray PAM:

.. math:: a(c_0, c_1, \dots) = (1 - 2 c_0) \left[2^{k-1} - (1 - 2 c_1) \left[2^{k-2} - \dots \right]\right]

for k bits a dimension. The energy is 1 over the alphabet, whatever a frame holds.

Source: TS 38.211 sections 5.1.3 to 5.1.7; 4096-QAM, which it does not have, by the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits

__all__ = ["BITS_PER_SYMBOL", "check_order", "decide", "half_distance", "modulate", "pam_levels", "points"]

BITS_PER_SYMBOL = (2, 4, 6, 8, 10, 12)


def check_order(bits_per_symbol: int) -> int:
    """Return the bits per dimension of a square QAM.

    Raises:
        SignalError: it is none of 2, 4, 6, 8, 10 and 12.
    """
    if bits_per_symbol not in BITS_PER_SYMBOL:
        raise SignalError(f"qam: expected bits_per_symbol of {BITS_PER_SYMBOL}, got {bits_per_symbol}")
    return bits_per_symbol // 2


def half_distance(bits_per_symbol: int, law: Sequence[float] | None = None) -> float:
    r"""Half the distance of neighbours in an alphabet of unit mean energy.

    .. math:: d = \sqrt{\frac{3}{2 (M - 1)}}, \quad d = \frac{1}{\sqrt{2 \sum_a P(a)\, a^2}}

    Args:
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.
        law: Probability of each amplitude of a dimension, 1, 3, 5, ... half distances; ``None``: equally likely.

    Raises:
        SignalError: no such order, or a law of another number of amplitudes.
    """
    k = check_order(bits_per_symbol)
    if law is None:
        return float((1.5 / (4**k - 1)) ** 0.5)
    if len(law) != 2 ** (k - 1):
        raise SignalError(f"qam: expected a law of {2 ** (k - 1)} amplitudes, got {len(law)}")
    return float((2 * sum(p * a * a for p, a in zip(law, range(1, 2**k, 2), strict=True))) ** -0.5)


@lru_cache
def pam_levels(bits_per_symbol: int) -> NDArray[np.int64]:
    """Levels of one dimension, in half distances (odd numbers), by label: the dimension's first bit is the highest.

    Returns:
        int64 ``[2 ** (bits_per_symbol / 2)]``, read-only.

    Raises:
        SignalError: no such order.

    Example:
        >>> pam_levels(4).tolist()
        [1, 3, -1, -3]
    """
    levels = np.zeros(1, np.int64)
    for bit in range(check_order(bits_per_symbol)):  # from the innermost bracket outwards
        inner = 2**bit - levels
        levels = np.concatenate([inner, -inner])
    levels.setflags(write=False)
    return levels


@lru_cache
def points(bits_per_symbol: int) -> NDArray[np.complex128]:
    """Return the constellation by label: a symbol's first bit is the highest of the index.

    Returns:
        complex128 ``[2 ** bits_per_symbol]`` of unit mean energy, read-only.

    Raises:
        SignalError: no such order.
    """
    k = check_order(bits_per_symbol)
    bits = np.arange(4**k)[:, None] >> np.arange(2 * k - 1, -1, -1) & 1  # [4 ** k, 2 k], as they are sent
    weights = 2 ** np.arange(k - 1, -1, -1)
    levels = half_distance(bits_per_symbol) * pam_levels(bits_per_symbol)
    alphabet: NDArray[np.complex128] = levels[bits[:, 0::2] @ weights] + 1j * levels[bits[:, 1::2] @ weights]
    alphabet.setflags(write=False)
    return alphabet


def modulate(
    bits: NDArray[np.uint8], bits_per_symbol: int, law: Sequence[float] | None = None
) -> NDArray[np.complex64]:
    """Map bits to points.

    Args:
        bits: uint8 ``[n * bits_per_symbol]``.
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.
        law: Of the amplitudes, as `half_distance` takes it.

    Returns:
        complex64 ``[n]``; unit mean energy over the alphabet, or by the law.

    Raises:
        SignalError: no such order, not bits, or bits left over; a law of another number of amplitudes.

    Source: TS 38.211 section 5.1.
    """
    k = check_order(bits_per_symbol)
    check_bits("qam", bits)
    if bits.ndim != 1 or bits.size % bits_per_symbol:
        raise SignalError(f"qam: expected a multiple of {bits_per_symbol} bits, got shape {list(bits.shape)}")
    chosen = bits.reshape(-1, k, 2)
    labels = np.zeros((chosen.shape[0], 2), np.uint8)
    for bit in range(k):
        labels |= chosen[:, bit] << np.uint8(k - 1 - bit)
    levels = (half_distance(bits_per_symbol, law) * pam_levels(bits_per_symbol)).astype(np.float32)
    return levels[labels].view(np.complex64)[:, 0]


def decide(symbols: NDArray[Any], bits_per_symbol: int, law: Sequence[float] | None = None) -> NDArray[np.uint8]:
    """Return the bits of the nearest points.

    Args:
        symbols: complex64 ``[n]``, equalised.
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.
        law: Of the amplitudes, as `half_distance` takes it; nearest is nearest, however likely.

    Returns:
        uint8 ``[n * bits_per_symbol]``.

    Raises:
        SignalError: no such order, or a symbol is not finite; a law of another number of amplitudes.
    """
    k = check_order(bits_per_symbol)
    if not np.isfinite(symbols).all():
        raise SignalError("qam: expected finite symbols, got NaN or infinity")
    levels = pam_levels(bits_per_symbol)
    labels = np.argsort(levels).astype(np.uint8)  # of the levels from left to right
    gray = labels[:, None] >> np.arange(k - 1, -1, -1) & 1  # [2 ** k, k]
    dimensions = np.ascontiguousarray(symbols, np.complex64).view(np.float32).reshape(-1, 2)
    half = half_distance(bits_per_symbol, law)
    farthest = levels.size * half  # beyond the outermost levels; the largest float would overflow
    position = np.rint(np.clip(dimensions, -farthest, farthest) * (0.5 / half) + (levels.size - 1) / 2)
    nearest = np.clip(position, 0, levels.size - 1).astype(np.intp)
    return np.ascontiguousarray(gray.astype(np.uint8)[nearest].transpose(0, 2, 1)).reshape(-1)
