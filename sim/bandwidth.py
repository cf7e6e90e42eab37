"""What a picture costs the channel: CBR with numerator and denominator, and the figures papers use beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import SignalError

__all__ = ["ROBUST_BITS_PER_USE", "Bandwidth", "capacity_bits_per_use", "dimension_ratio", "robust_uses"]

ROBUST_BITS_PER_USE = 0.5
"""Rate at which side information is charged: QPSK with a rate-1/4 code, good to some -2 dB."""


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


def robust_uses(side_bits: int) -> int:
    """Channel uses charged for so many bits of side information, rounded up."""
    return math.ceil(side_bits / ROBUST_BITS_PER_USE)


@dataclass(frozen=True)
class Bandwidth:
    """Complex channel uses of one picture.

    Args:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        payload_uses: Complex symbols that carry the picture.
        side_bits: Bits of side information that jump over the channel and are charged here.
        pilot_uses: Complex symbols sent as pilots.
        header_uses: Complex symbols that a waveform sent the side information in; by default it is charged at
            `ROBUST_BITS_PER_USE`.

    Raises:
        SignalError: A count is negative, or the picture has no pixel.

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
    header_uses: int | None = None

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise SignalError(f"bandwidth: expected a picture of at least 1 x 1, got {self.height} x {self.width}")
        if min(self.payload_uses, self.pilot_uses, self.side_bits, self.header_uses or 0) < 0:
            raise SignalError(
                "bandwidth: expected counts of at least 0, got "
                f"{self.payload_uses} payload uses, {self.side_bits} side bits, {self.pilot_uses} pilots, "
                f"{self.header_uses or 0} header uses"
            )

    @property
    def source_values(self) -> int:
        """The denominator of CBR: 3 H W."""
        return 3 * self.height * self.width

    @property
    def side_uses(self) -> int:
        """Channel uses charged for the side information: those of the waveform, or at the robust rate, rounded up."""
        return robust_uses(self.side_bits) if self.header_uses is None else self.header_uses

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
        side_uses = self.side_bits / capacity_bits_per_use(esn0_db)
        return (self.payload_uses + side_uses + self.pilot_uses) / self.source_values

    def __str__(self) -> str:
        how = f"at {ROBUST_BITS_PER_USE:g} bit/use" if self.header_uses is None else "as the waveform sent them"
        return (
            f"CBR {self.cbr:.4f} = {self.uses} / {self.source_values} ({self.payload_uses} payload + "
            f"{self.side_uses} for {self.side_bits} bits of side information {how} + {self.pilot_uses} pilots)"
        )
