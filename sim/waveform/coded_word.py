"""Words that must arrive: a strong convolutional code on QPSK, half a bit a symbol."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..codes import convolutional
from ..codes.scrambling import gold_sequence
from ..constellations.demapper import demap
from ..constellations.qam import modulate

__all__ = ["RATE_1_4", "decode_word", "encode_word", "word_symbols"]

RATE_1_4: Final = (0o135, 0o135, 0o147, 0o163)
"""Generators of constraint length 7 and free distance 20: Proakis & Salehi, Digital Communications, table 8.3-3."""

_TAIL = 6  # zeros that end the code
_SYMBOLS_PER_BIT = 2  # 4 coded bits, 2 to a symbol
_C_INIT = 0x574F5244 >> 1


def word_symbols(bits: int) -> int:
    """Symbols of a word of so many bits."""
    return _SYMBOLS_PER_BIT * (bits + _TAIL)


def encode_word(bits: NDArray[np.uint8]) -> NDArray[np.complex64]:
    """Code, scramble and map bits.

    Args:
        bits: uint8 ``[n]``.

    Returns:
        complex64 ``[2 n + 12]``, QPSK of energy 1.

    Raises:
        SignalError: not bits.
    """
    coded = convolutional.encode(bits, RATE_1_4)
    return modulate(coded ^ gold_sequence(coded.size, _C_INIT), 2)


def decode_word(symbols: NDArray[np.complex64], n0: Any) -> NDArray[np.uint8]:
    """Find the likeliest bits.

    Args:
        symbols: complex64 ``[2 n + 12]``, equalised.
        n0: Noise variance per symbol: a number or float32 ``[2 n + 12]``.

    Returns:
        uint8 ``[n]``.

    Raises:
        SignalError: a number of symbols that no word has, or one that is not finite.
    """
    llrs = demap(symbols, n0, 2)
    signs = 1 - 2 * gold_sequence(llrs.size, _C_INIT).astype(llrs.dtype)
    return convolutional.decode(llrs * signs, RATE_1_4)
