r"""QAM whose points are sent unequally often: probabilistic amplitude shaping.

Amplitudes a = 1, 3, 5, ... of each dimension follow the law of largest entropy at their energy,

.. math:: P(a) \propto e^{-\nu a^2},

and their signs are what the code adds. Over AWGN such points let an ideal code come within some tenth of a decibel of
capacity, where equally likely ones of a square leave up to 1.53 dB; and one code serves a wide range of Es/N0, since
the law alone changes.

Source: Boecherer, Steiner & Schulte, Bandwidth efficient and rate-matched low-density parity-check coded modulation,
IEEE Trans. Commun. 63(12), 2015.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from ...errors import UsageError
from .mcs import MATCHED_SCHEMES, MODULATIONS, Scheme, in_steps

__all__ = ["SHAPED_SCHEMES", "ShapedQam"]

CODE_RATES_X1024 = {6: 808, 8: 880, 10: 926}
"""Of each constellation. Below 0.733, 0.825 and 0.88 too few information bits are left for the amplitudes, since of a
code block's 22 columns two are never sent; a little above, blocks of lengths that fill their columns badly fit, too."""


@dataclass(frozen=True)
class ShapedQam:
    r"""A shaped constellation and the code behind it.

    Attributes:
        bits_per_symbol: 6, 8 or 10.
        bits_per_use: Spectral efficiency: information bits in a channel use, check sums included; with m bits a symbol
            and the code rate R it is :math:`2 (H(a) + 1) - m (1 - R)`, which decides on the law of the amplitudes.
    """

    bits_per_symbol: int
    bits_per_use: float

    def __post_init__(self) -> None:
        if self.bits_per_symbol not in CODE_RATES_X1024:
            raise UsageError(f"shaped qam: expected 6, 8 or 10 bits per symbol, got {self.bits_per_symbol}")
        most = self.bits_per_symbol * self.code_rate
        least = most - self.bits_per_symbol + 2
        if not least < self.bits_per_use < most:
            raise UsageError(
                f"shaped qam: expected {least:.3f} to {most:.3f} bits a use with {self.bits_per_symbol} bits per "
                f"symbol, got {self.bits_per_use:g}"
            )

    @property
    def code_rate_x1024(self) -> float:
        """Of the code, times 1024."""
        return CODE_RATES_X1024[self.bits_per_symbol]

    @property
    def code_rate(self) -> float:
        """Of the code: information bits over coded bits."""
        return self.code_rate_x1024 / 1024

    @cached_property
    def law(self) -> tuple[float, ...]:
        """Probability of each amplitude, from 1 up."""
        entropy = self.bits_per_use / 2 - 1 + self.bits_per_symbol / 2 * (1 - self.code_rate)
        low, high = 0.0, 10.0  # of nu: equally likely, and only the least
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if _entropy(_maxwell_boltzmann(self._amplitudes, middle)) > entropy else (low, middle)
            )
        return _maxwell_boltzmann(self._amplitudes, low)

    @property
    def name(self) -> str:
        """Of tables and reports.

        >>> ShapedQam(6, 3.1).name
        '64qam-shaped-3.10'
        """
        modulation = next(name for name, bits in MODULATIONS.items() if bits == self.bits_per_symbol)
        return f"{modulation}-shaped-{self.bits_per_use:.2f}"

    def __str__(self) -> str:
        return self.name

    @property
    def _amplitudes(self) -> range:
        return range(1, 2 ** (self.bits_per_symbol // 2), 2)


def _maxwell_boltzmann(amplitudes: range, nu: float) -> tuple[float, ...]:
    weights = [math.exp(-nu * (a * a - 1)) for a in amplitudes]
    return tuple(weight / sum(weights) for weight in weights)


def _entropy(law: tuple[float, ...]) -> float:
    return -sum(p * math.log2(p) for p in law if p)


def _laws(bits_per_symbol: int, least: float, most: float) -> tuple[ShapedQam, ...]:
    """Laws of one constellation in rising order, their bits a use in steps of 1 %."""
    count = math.floor(math.log(most / least) / math.log(1.01))
    return tuple(ShapedQam(bits_per_symbol, round(least * 1.01**step, 4)) for step in range(count + 1))


SHAPED_SCHEMES: tuple[Scheme | ShapedQam, ...] = (
    *MATCHED_SCHEMES,
    *in_steps(6, 341, 573),
    *in_steps(8, 461, 683),
    *_laws(6, 1.2, 3.9),
    *_laws(8, 3.9, 5.9),
    *_laws(10, 5.9, 8.5),
)
"""What a shaped link chooses from: those of a matched link, for low Es/N0 and short frames; low code rates of dense
constellations, for fading, which those of many bits a use and of shaped points stand less; and shaped constellations.
Their numbers are on the air, in 10 bits."""
