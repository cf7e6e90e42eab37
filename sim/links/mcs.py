"""Modulation and coding schemes: the tables of 5G NR, names, and the payload that fits a number of channel uses."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from ...errors import UsageError
from ..codes.ldpc.segment import highest_rate, segment

__all__ = [
    "LINK_SCHEMES",
    "MATCHED_SCHEMES",
    "MCS_TABLE_64QAM",
    "MCS_TABLE_256QAM",
    "MCS_TABLE_LOW",
    "Scheme",
    "in_steps",
    "parse_scheme",
    "payload_bits_for",
]

MODULATIONS = {"qpsk": 2, "16qam": 4, "64qam": 6, "256qam": 8, "1024qam": 10}
USUAL_RATES = {341: "1/3", 512: "1/2", 683: "2/3", 768: "3/4", 853: "5/6"}


@dataclass(frozen=True, order=True)
class Scheme:
    """A modulation and a code rate.

    Attributes:
        bits_per_symbol: Of the constellation: 2, 4, 6, 8 or 10.
        code_rate_x1024: Information bits (check sums included) over coded bits, times 1024; a half in two cases of the
            standard's tables.
    """

    bits_per_symbol: int
    code_rate_x1024: float

    def __post_init__(self) -> None:
        if self.bits_per_symbol not in MODULATIONS.values():
            raise UsageError(f"scheme: expected 2, 4, 6, 8 or 10 bits per symbol, got {self.bits_per_symbol}")
        if not 0 < self.code_rate_x1024 <= 973:  # 0.95, rounded
            raise UsageError(f"scheme: expected a code rate above 0 and up to 0.95, got {self.code_rate:.4g}")

    @property
    def code_rate(self) -> float:
        """Information bits over coded bits."""
        return self.code_rate_x1024 / 1024

    @property
    def bits_per_use(self) -> float:
        """Spectral efficiency: information bits in a channel use, check sums included."""
        return self.bits_per_symbol * self.code_rate

    @property
    def name(self) -> str:
        """What `parse_scheme` reads: ``16qam-1/2``, ``256qam-0.67``.

        >>> Scheme(4, 616).name
        '16qam-0.60'
        """
        modulation = next(name for name, bits in MODULATIONS.items() if bits == self.bits_per_symbol)
        rate = USUAL_RATES.get(int(self.code_rate_x1024)) if self.code_rate_x1024 % 1 == 0 else None
        if rate is None:
            rate = f"{self.code_rate:.2f}"
            if _rate_x1024(self.bits_per_symbol, rate) != self.code_rate_x1024:
                rate = f"{Fraction(self.code_rate_x1024).limit_denominator(2) / 1024}"
        return f"{modulation}-{rate}"

    def __str__(self) -> str:
        return self.name


def _table(*rows: tuple[int, tuple[float, ...]]) -> tuple[Scheme, ...]:
    return tuple(Scheme(bits_per_symbol, rate) for bits_per_symbol, rates in rows for rate in rates)


MCS_TABLE_64QAM = _table(
    (2, (120, 157, 193, 251, 308, 379, 449, 526, 602, 679)),
    (4, (340, 378, 434, 490, 553, 616, 658)),
    (6, (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948)),
)
"""TS 38.214, Table 5.1.3.1-1, in the order of the MCS index."""

MCS_TABLE_256QAM = _table(
    (2, (120, 193, 308, 449, 602)),
    (4, (378, 434, 490, 553, 616, 658)),
    (6, (466, 517, 567, 616, 666, 719, 772, 822, 873)),
    (8, (682.5, 711, 754, 797, 841, 885, 916.5, 948)),
)
"""TS 38.214, Table 5.1.3.1-2, in the order of the MCS index."""

MCS_TABLE_LOW = _table((2, (30, 50, 78)))
"""Of TS 38.214, Table 5.1.3.1-3 (low spectral efficiency): three of the rows that the other tables lack."""

LINK_SCHEMES = (*MCS_TABLE_LOW, *MCS_TABLE_256QAM)
"""What an adaptive link chooses from: 31 schemes; with one number kept for an ideal code they are named in 5 bits."""


def in_steps(bits_per_symbol: int, lowest_x1024: float, highest_x1024: float) -> tuple[Scheme, ...]:
    """Schemes of one constellation in rising order, their code rates in steps of 1 %, or of 1/2048 where that is more.

    Args:
        bits_per_symbol: Of the constellation.
        lowest_x1024: No code rate is below it.
        highest_x1024: The highest code rate.
    """
    rates = [highest_x1024]
    while (rate := rates[-1] - max(round(0.02 * rates[-1]), 1) / 2) >= lowest_x1024:
        rates.append(rate)
    return tuple(Scheme(bits_per_symbol, rate) for rate in reversed(rates))


MATCHED_SCHEMES = (*in_steps(2, 30, 784), *in_steps(4, 393, 860), *in_steps(6, 574, 910), *in_steps(8, 684, 948))
"""What a link of free code rate chooses from: each constellation about where it needs the least Es/N0 by the measured
thresholds. Their numbers are on the air, in 9 bits."""


def parse_scheme(text: str) -> Scheme:
    """Read a scheme's name.

    A rate of two digits that rounds one of the standard's tables means that row; any other rate is taken as it stands,
    to the nearest 1/1024.

    Args:
        text: Modulation and code rate: ``16qam-1/2``, ``qpsk-0.33``, ``256qam-0.67``.

    Raises:
        UsageError: no such modulation, or the rate is no number above 0 and up to 0.95.

    >>> parse_scheme("64qam-2/3")
    Scheme(bits_per_symbol=6, code_rate_x1024=683)
    >>> parse_scheme("16qam-0.60")
    Scheme(bits_per_symbol=4, code_rate_x1024=616)
    """
    modulation, _, rate = text.strip().lower().partition("-")
    if modulation not in MODULATIONS or not re.fullmatch(r"\d+(\.\d+)?/[1-9]\d*|\d*\.\d+", rate):
        known = ", ".join(MODULATIONS)
        raise UsageError(
            f"scheme: expected MODULATION-RATE such as 16qam-1/2 or 64qam-0.65, with one of {known}, got {text!r}"
        )
    bits_per_symbol = MODULATIONS[modulation]
    return Scheme(bits_per_symbol, _rate_x1024(bits_per_symbol, rate))


def _rate_x1024(bits_per_symbol: int, rate: str) -> float:
    for scheme in (*MCS_TABLE_256QAM, *MCS_TABLE_64QAM, *MCS_TABLE_LOW):
        if scheme.bits_per_symbol == bits_per_symbol and f"{scheme.code_rate:.2f}" == rate:
            return scheme.code_rate_x1024
    numerator, _, denominator = rate.partition("/")
    value = Fraction(numerator) / Fraction(denominator or 1) * 1024
    return int(value * 2) / 2 if denominator in ("1024", "2048") else round(value)


def payload_bits_for(scheme: Scheme, uses: int) -> int:
    r"""Payload that a frame carries: whole bytes, with the check sums counted as information.

    .. math:: A + L_\mathrm{TB} + C\, L_\mathrm{CB} \le \lfloor R\, G \rfloor, \quad G = m \cdot \mathrm{uses}

    Args:
        scheme: Modulation (m bits a symbol) and code rate R.
        uses: Complex symbols of the frame.

    Returns:
        Payload bits A: the most that fit, a multiple of 8 that cuts into equal code blocks; 0 where not a byte fits.

    Source: TS 38.212, sections 5.2.2 and 7.2.1 (check sums and code blocks).

    >>> payload_bits_for(Scheme(4, 512), 1000)
    1984
    """
    information = math.floor(Fraction(scheme.code_rate_x1024) / 1024 * scheme.bits_per_symbol * max(uses, 0))
    payload = (information - 16) // 8 * 8  # what fits with the shortest check sum; then down to what fits with all
    while payload > 0:
        cut = segment(payload, scheme.code_rate)
        need = cut.blocks * cut.block_bits - cut.padding_bits
        sent_bits = max(uses, 0) // cut.blocks * scheme.bits_per_symbol
        if need <= information and not cut.padding_bits and cut.block_bits <= sent_bits * highest_rate(cut.block_bits):
            return payload
        # At least the excess must go; one byte where only the blocks are unequal
        payload -= max(-(-(need - information) // 8) * 8, 8)
    return 0
