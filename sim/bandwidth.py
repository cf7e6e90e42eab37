"""What a picture costs the channel: CBR with numerator and denominator, and the figures papers use beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import SignalError

__all__ = ["ROBUST_BITS_PER_USE", "Bandwidth", "capacity_bits_per_use", "dimension_ratio", "uses_for"]

ROBUST_BITS_PER_USE = 0.5
"""Rate at which side information is charged unless another is stated: QPSK with a rate-1/4 code, good to some -2 dB."""


def capacity_bits_per_use(esn0_db: float) -> float:
    r"""Capacity of the complex AWGN channel in bits per channel use.

    .. math:: \log_2(1 + 10^{\mathrm{esn0\_db}/10})

    Args:
        esn0_db: Es/N0 in dB.
    """
    return math.log2(1 + 10 ** (esn0_db / 10))


def dimension_ratio(height: int, width: int, feature_values: int) -> float:
    """Source values over real values sent, 3 H W / n: what some papers call compression ratio; not a bandwidth.

    Args:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        feature_values: Real values sent, two to a complex symbol.

    Raises:
        SignalError: No value is sent.
    """
    if feature_values < 1:
        raise SignalError(f"dimension ratio: expected at least 1 value sent, got {feature_values}")
    return 3 * height * width / feature_values


def uses_for(parts: Iterable[tuple[int, float]]) -> int:
    """Channel uses charged for side information, rounded up once for all of it.

    Args:
        parts: Bits, and the bits per channel use at which they are charged, of each part.
    """
    return math.ceil(math.fsum(bits / bits_per_use for bits, bits_per_use in parts))


@dataclass(frozen=True)
class Bandwidth:
    """Complex channel uses of one picture.

    Args:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        payload_uses: Complex symbols that carry the picture.
        side_bits: Bits of side information that jump over the channel and are charged here.
        pilot_uses: Complex symbols sent as pilots.
        side_bits_per_use: Rate at which these are charged.
        side_parts: Further side information: bits, and the bits per use at which they are charged, of each part.

    Raises:
        SignalError: A count is negative, the picture has no pixel, or the rate is not above 0.

    Example:
        >>> Bandwidth(256, 256, payload_uses=16384, side_bits=16)
        Bandwidth(height=256, width=256, payload_uses=16384, side_bits=16, ...)
        >>> print(Bandwidth(256, 256, payload_uses=16384, side_bits=16))
        CBR 0.0835 = 16416 / 196608 (16384 payload + 32 for 16 bits of side information at 0.5 bit/use + 0 pilots)
    """

    height: int
    width: int
    payload_uses: int
    side_bits: int = 0
    pilot_uses: int = 0
    side_bits_per_use: float = ROBUST_BITS_PER_USE
    side_parts: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise SignalError(f"bandwidth: expected a picture of at least 1 x 1, got {self.height} x {self.width}")
        if min(self.payload_uses, self.pilot_uses, *(bits for bits, _ in self._parts)) < 0:
            raise SignalError(
                "bandwidth: expected counts of at least 0, got "
                f"{self.payload_uses} payload uses, {self.side_bits} side bits, {self.pilot_uses} pilots"
                + (f", {list(self.side_parts)} further side bits and rates" if self.side_parts else "")
            )
        for _, rate in self._parts:
            if not rate > 0:
                raise SignalError(f"bandwidth: expected a side information rate above 0, got {rate}")

    @property
    def _parts(self) -> tuple[tuple[int, float], ...]:
        return ((self.side_bits, self.side_bits_per_use), *self.side_parts)

    @property
    def source_values(self) -> int:
        """The denominator of CBR: 3 H W."""
        return 3 * self.height * self.width

    @property
    def side_uses(self) -> int:
        """Channel uses charged for the side information, rounded up."""
        return uses_for(self._parts)

    @property
    def uses(self) -> int:
        """The numerator of CBR: payload, side information and pilots."""
        return self.payload_uses + self.side_uses + self.pilot_uses

    @property
    def cbr(self) -> float:
        """Channel bandwidth ratio: complex channel uses over 3 H W."""
        return self.uses / self.source_values

    def cbr_at_capacity(self, esn0_db: float) -> float:
        """CBR with the side information charged at the channel's capacity, as papers do; a lower bound.

        Args:
            esn0_db: Es/N0 of the channel in dB.
        """
        side_uses = sum(bits for bits, _ in self._parts) / capacity_bits_per_use(esn0_db)
        return (self.payload_uses + side_uses + self.pilot_uses) / self.source_values

    def __str__(self) -> str:
        by_rate: dict[float, int] = {}
        for bits, rate in self._parts:
            by_rate[rate] = by_rate.get(rate, 0) + bits
        charged = [(bits, rate) for rate, bits in by_rate.items() if bits] or [(0, self.side_bits_per_use)]
        of_what = [" of side information", *([""] * len(charged))]
        side = " and ".join(
            f"{bits} bits{what} at {rate:g} bit/use" for (bits, rate), what in zip(charged, of_what, strict=False)
        )
        return (
            f"CBR {self.cbr:.4f} = {self.uses} / {self.source_values} ({self.payload_uses} payload + "
            f"{self.side_uses} for {side} + {self.pilot_uses} pilots)"
        )
