"""What follows the preamble of a burst: words and payload, with a pilot at every so manieth place."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..codes.interleaver import interleaver_order, inverse_order
from ..codes.scrambling import gold_sequence
from ..constellations.qam import modulate
from .scrambler import scramble

__all__ = ["Places", "body_symbols", "from_payload", "payload_order", "pilot_symbols", "places", "to_payload"]

_PILOT_C_INIT = 0x50494C
_SEED = 0x53454D  # of the interleaver


class Places(NamedTuple):
    """Where pilots and data stand in a body, intp each."""

    pilots: NDArray[np.intp]
    data: NDArray[np.intp]

    @property
    def size(self) -> int:
        """Symbols in all."""
        return self.pilots.size + self.data.size


@lru_cache(maxsize=16)
def places(data: int, spacing: int) -> Places:
    """Return where pilots and data stand: a pilot first, one after each ``spacing - 1`` data symbols, one last.

    Args:
        data: Symbols that are no pilots, at least 1.
        spacing: From pilot to pilot, at least 2.

    Example:
        >>> places(5, 4).pilots.tolist(), places(5, 4).data.tolist()
        ([0, 4, 7], [1, 2, 3, 5, 6])
    """
    runs = -(-data // (spacing - 1))
    size = data + runs + 1
    pilots = np.minimum(np.arange(runs + 1) * spacing, size - 1)
    mask = np.ones(size, np.bool_)
    mask[pilots] = False
    found = Places(pilots, np.flatnonzero(mask))
    for array in found:
        array.setflags(write=False)
    return found


@lru_cache(maxsize=8)
def pilot_symbols(count: int) -> NDArray[np.complex64]:
    """Known QPSK of energy 1, complex64 ``[count]``; a longer row begins with the shorter one."""
    pilots = modulate(gold_sequence(2 * count, _PILOT_C_INIT), 2)
    pilots.setflags(write=False)
    return pilots


def body_symbols(data: NDArray[np.complex64], spacing: int) -> NDArray[np.complex64]:
    """Return data symbols with pilots among them, complex64 ``[n]``."""
    where = places(data.size, spacing)
    body = np.empty(where.size, np.complex64)
    body[where.pilots] = pilot_symbols(where.pilots.size)
    body[where.data] = data
    return body


def from_payload(symbols: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Interleave and scramble a payload, complex64 ``[n]``: a fade then hits symbols that are far apart."""
    return scramble(symbols[interleaver_order(symbols.size, "random", seed=_SEED)])


def to_payload(symbols: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Undo `from_payload`.

    Args:
        symbols: complex64 ``[n]``, equalised.
    """
    return scramble(symbols)[payload_order(symbols.size)]


@lru_cache(maxsize=8)
def payload_order(size: int) -> NDArray[np.intp]:
    """Return where each symbol of a payload was sent, intp ``[n]``: what is known of each place is reordered by it."""
    return inverse_order(interleaver_order(size, "random", seed=_SEED))
