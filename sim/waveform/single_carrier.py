"""A burst on a single carrier: preamble and body, shaped by a root-raised-cosine pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ...errors import SignalError
from .preamble import GUARD, PREAMBLE
from .pulse import root_raised_cosine

__all__ = ["SingleCarrier"]


@dataclass(frozen=True)
class SingleCarrier:
    """What both ends of the waveform agree on.

    Attributes:
        samples_per_symbol: An even number: receivers work on two samples a symbol.
        rolloff: Of the pulse; the band is 1 + rolloff of the symbol rate.
        pilot_spacing: From one pilot to the next, in symbols.
        half_span: Symbols to each side that the pulse is cut off at.
        greatest_offset: Carrier offset in cycles a symbol, to each side, that receivers search.

    Raises:
        SignalError: one of them is out of range.
    """

    samples_per_symbol: int = 4
    rolloff: float = 0.25
    pilot_spacing: int = 32
    half_span: int = 12
    greatest_offset: float = 0.02

    def __post_init__(self) -> None:
        if self.samples_per_symbol % 2 or not 2 <= self.samples_per_symbol <= 32:
            raise SignalError(
                f"single carrier: expected an even number of 2 to 32 samples a symbol, got {self.samples_per_symbol}"
            )
        if not 0.1 <= self.rolloff <= 1 or self.pilot_spacing < 2:
            raise SignalError(
                "single carrier: expected a roll-off of 0.1 to 1 and a pilot spacing of at least 2, got "
                f"{self.rolloff} and {self.pilot_spacing}"
            )

    @property
    def pulse(self) -> NDArray[np.float64]:
        """Taps of the pulse at the sample rate, of unit energy."""
        return root_raised_cosine(self.samples_per_symbol, self.rolloff, self.half_span)

    @property
    def head(self) -> int:
        """Symbols before the body."""
        return PREAMBLE.size + GUARD

    def samples_of(self, body: int) -> int:
        """Samples of a burst with a body of so many symbols."""
        return (self.head + body - 1) * self.samples_per_symbol + self.pulse.size

    def modulate(self, body: NDArray[np.complex64]) -> NDArray[np.complex64]:
        r"""Shape a burst.

        .. math:: x[n] = \sqrt{M} \sum_m s_m\, p(n / M - m)

        with M samples a symbol: unit mean power for symbols of unit mean energy.

        Args:
            body: complex64 ``[n]``, what follows the preamble.

        Returns:
            complex64 ``[samples_of(n)]``, the tails of the pulse included.
        """
        symbols = np.concatenate([PREAMBLE, np.zeros(GUARD), body]).astype(np.complex64)
        upsampled = np.zeros(symbols.size * self.samples_per_symbol, np.complex64)
        upsampled[:: self.samples_per_symbol] = symbols * np.sqrt(self.samples_per_symbol)
        size = self.samples_of(body.size)
        length = scipy.fft.next_fast_len(size)
        spectrum = scipy.fft.fft(upsampled, length) * scipy.fft.fft(self.pulse.astype(np.complex64), length)
        return np.asarray(scipy.fft.ifft(spectrum, overwrite_x=True)[:size], np.complex64)
