"""Known signs on I and Q: they cost nothing, and take the line off a signal that has a mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..codes.scrambling import gold_sequence

__all__ = ["scramble"]

_C_INIT = 0x53434D
"""Start of the sequence; no other part of a burst uses it."""


def scramble(symbols: NDArray[np.complex64]) -> NDArray[np.complex64]:
    r"""Flip the signs of I and Q by a known sequence; done twice, it is undone.

    .. math:: \mathrm{Re}\, y[n] = (-1)^{c(2n)}\, \mathrm{Re}\, x[n], \quad
        \mathrm{Im}\, y[n] = (-1)^{c(2n + 1)}\, \mathrm{Im}\, x[n]

    Learned symbols have a mean, which would be a line at the carrier, and neighbours that are alike, which would colour
    the band.

    Args:
        symbols: complex64 ``[n]``.

    Returns:
        complex64 ``[n]``.

    Source: the sequence of TS 38.211 section 5.2.1.
    """
    bits = gold_sequence(2 * symbols.size, _C_INIT)
    signs = 1 - 2 * bits.astype(np.float32)
    return (np.ascontiguousarray(symbols, np.complex64).view(np.float32) * signs).view(np.complex64)
