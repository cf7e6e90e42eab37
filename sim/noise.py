"""Complex Gaussian noise addressed by sample number, so that chunking cannot change it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError

__all__ = ["CounterNoise", "complex_normal"]

_WORDS_PER_COUNT = 4  # a Philox4x64 counter step gives four 64-bit words
_PIECE = 1 << 14  # samples worked on at once: the temporaries stay in the second-level cache
_TO_UNIT = np.float32(2.0**-32)
_TO_TURN = np.float32(2.0 * np.pi * 2.0**-32)


class CounterNoise:
    r"""Circularly symmetric complex normal noise of unit variance, one 64-bit word of Philox per sample.

    .. math:: w[n] = \sqrt{-\ln u_n}\, e^{j 2 \pi v_n}

    (Box and Muller), where u and v are the two halves of word n of a Philox 4x64 stream: sample n depends on the key
    and on n alone, never on how the samples before it were asked for. 32 bits of u bound \|w\|^2 by 22.2, which cuts
    off a tail of probability 2^-32.

    Args:
        key: The stream: a whole number of at most 128 bits.

    Raises:
        SignalError: The key is negative or longer; a negative offset or count is asked for.

    Example:
        >>> noise = CounterNoise(7)
        >>> whole = noise.complex_normal(0, 5)
        >>> bool((CounterNoise(7).complex_normal(3, 2) == whole[3:]).all())
        True

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """

    def __init__(self, key: int) -> None:
        if not 0 <= key < 1 << 128:
            raise SignalError(f"noise: expected a key of 0 to 2^128 - 1, got {key}")
        self._key = key
        self._philox = np.random.Philox(key=key)
        self._at = 0  # the sample that the generator stands before

    def complex_normal(self, offset: int, count: int) -> NDArray[np.complex64]:
        """Samples ``offset`` to ``offset + count - 1``, complex64 ``[count]``; fastest where the last call ended."""
        if offset < 0 or count < 0:
            raise SignalError(f"noise: expected an offset and a count of at least 0, got {offset} and {count}")
        if offset != self._at:
            self._philox = np.random.Philox(key=self._key)
            self._philox.advance(offset // _WORDS_PER_COUNT)
            if skip := offset % _WORDS_PER_COUNT:
                self._philox.random_raw(skip)
        self._at = offset + count
        out = np.empty(count, np.complex64)
        for start in range(0, count, _PIECE):
            _box_muller(self._philox.random_raw(min(_PIECE, count - start)), out[start : start + _PIECE])
        return out


def complex_normal(rng: np.random.Generator, count: int) -> NDArray[np.complex64]:
    """Circularly symmetric complex normal noise of unit variance from a generator, complex64 ``[count]``.

    The same transform as `CounterNoise`, one 64-bit word per sample, at half the cost of ``standard_normal``.

    Args:
        rng: Where the words are drawn; a `numpy.random.Philox` gives the samples of `CounterNoise` of its key.
        count: Samples wanted.
    """
    out = np.empty(count, np.complex64)
    for start in range(0, count, _PIECE):
        piece = out[start : start + _PIECE]
        _box_muller(rng.bit_generator.random_raw(piece.size), piece)
    return out


def _box_muller(words: NDArray[np.uint64], out: NDArray[np.complex64]) -> None:
    halves = np.empty((2, words.size), np.float32)  # contiguous: numpy's sine of a strided array is another routine
    np.right_shift(words, np.uint64(32), out=halves[0], casting="unsafe")
    np.bitwise_and(words, np.uint64(0xFFFFFFFF), out=halves[1], casting="unsafe")
    radius, angle = halves
    radius += np.float32(1.0)  # (0, 1]: no logarithm of zero
    radius *= _TO_UNIT
    np.log(radius, out=radius)
    np.negative(radius, out=radius)
    np.maximum(radius, np.float32(0.0), out=radius)
    np.sqrt(radius, out=radius)
    angle *= _TO_TURN
    np.multiply(radius, np.cos(angle), out=out.real)
    np.multiply(radius, np.sin(angle), out=out.imag)
