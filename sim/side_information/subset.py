"""The code of a header field's attribute that is some of several things: which, as one number among all choices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import SignalError
from .field import BitReader, BitWriter

__all__ = ["Chosen", "Subset", "rank", "unrank"]

Chosen = tuple[int, tuple[int, ...]]
"""Of how many, and which of them, rising."""


def rank(chosen: Sequence[int]) -> int:
    r"""Number of a choice among all of as many things: :math:`\sum_i \binom{c_i}{i + 1}`, the combinatorial system.

    Args:
        chosen: Numbers from 0 on, rising.

    Source: Knuth, The Art of Computer Programming, volume 4A, section 7.2.1.3, theorem L.
    """
    return sum(math.comb(one, place) for place, one in enumerate(chosen, 1))


def unrank(number: int, count: int, of: int) -> tuple[int, ...]:
    """The choice of ``count`` things among ``of`` that has this number."""
    chosen = []
    for place in range(count, 0, -1):
        of -= 1
        while (below := math.comb(of, place)) > number:
            of -= 1
        number -= below
        chosen.append(of)
    return tuple(reversed(chosen))


@dataclass(frozen=True)
class Subset:
    r"""Which of some things are there, or None: not told, since both ends know it.

    A bit says whether it is told. If so: of how many things, how many are chosen, and the number of the choice in
    :math:`\lceil \log_2 \binom{n}{k} \rceil` bits, which is never more than the n bits of a map and a few.

    Args:
        width: Bits of either count.
    """

    width: int

    def write(self, out: BitWriter, where: str, value: Chosen | None) -> None:
        """Append the choice."""
        out.put(int(value is not None), 1)
        if value is None:
            return
        of, chosen = value
        if not 0 < of < 2**self.width:
            raise SignalError(f"{where}: expected a choice among 1 to {2**self.width - 1}, got one among {of}")
        rising = all(a < b for a, b in itertools.pairwise(chosen))
        if not rising or (chosen and not 0 <= chosen[0] <= chosen[-1] < of):
            raise SignalError(f"{where}: expected numbers that rise from 0 to at most {of - 1}, got {list(chosen)}")
        out.put(of, self.width)
        out.put(len(chosen), self.width)
        out.put(rank(chosen), _bits(of, len(chosen)))

    def read(self, bits: BitReader, where: str) -> Chosen | None:
        """Take a choice."""
        if not bits.take(where, 1):
            return None
        of, count = bits.take(where, self.width), bits.take(where, self.width)
        if not of or count > of:
            raise SignalError(f"{where}: expected at most as many as there are, got {count} of {of}")
        number = bits.take(where, _bits(of, count))
        if number >= math.comb(of, count):
            raise SignalError(f"{where}: expected a choice of {count} of {of}, got a number that stands for none")
        return of, unrank(number, count, of)


def _bits(of: int, count: int) -> int:
    return (math.comb(of, count) - 1).bit_length()
