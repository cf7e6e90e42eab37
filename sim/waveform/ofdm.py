"""A burst of OFDM symbols behind a preamble on a single carrier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ...errors import SignalError
from ..codes.interleaver import interleaver_order
from .body import pilot_symbols
from .peaks import Peaks
from .preamble import zadoff_chu
from .single_carrier import SingleCarrier

__all__ = ["TRAINING", "Grid", "Ofdm"]

TRAINING: Final = 2
"""OFDM symbols of known carriers before the body."""

_ROLLOFF = 0.25
_GREATEST_OFFSET = 0.02  # cycles a sample, to each side
_SPREAD = 16  # places far apart on the band that data symbols go to in turn
_ODD = 16  # carriers that the support of an impulse response needs beyond its prefix
_LEAST_USED = 25  # 1 / 25 of the carriers: 32 samples a symbol of the preamble, which are the most
_LONGEST = 1024  # samples of a prefix: a receiver inverts matrices of its size
_NO_PEAKS: Final = Peaks()


class Grid(NamedTuple):
    """Which carriers of a body's OFDM symbols carry what.

    Attributes:
        pilots: intp ``[T, P]``, of each OFDM symbol, from the lowest carrier up: pilot i + P / 2 is half the band above
            pilot i.
        data: intp ``[T, D]``, of each OFDM symbol, in the order of sending.
    """

    pilots: NDArray[np.intp]
    data: NDArray[np.intp]


@dataclass(frozen=True)
class Ofdm:
    """What both ends of the waveform agree on.

    Attributes:
        n_fft: Carriers there are.
        prefix: Samples of the cyclic prefix.
        used_carriers: An even number, half of it to each side of the carrier at zero, which is silent, as are those
            beyond: they guard the band.
        continual_pilots: In every OFDM symbol at the same carriers, an even number.
        scattered_pilots: In every OFDM symbol at others, an even number: in a while they have been at all.

    Raises:
        SignalError: one of them is out of range.
    """

    n_fft: int = 64
    prefix: int = 16
    used_carriers: int = 52
    continual_pilots: int = 2
    scattered_pilots: int = 2

    def __post_init__(self) -> None:
        used, pilots = self.used_carriers, self.continual_pilots + self.scattered_pilots
        if self.n_fft < 16 or used % 2 or not self.prefix + _ODD <= used < self.n_fft or self.prefix < 4:
            raise SignalError(
                "ofdm: expected a prefix of at least 4 samples and an even number of used carriers, from the prefix + "
                f"{_ODD} to n_fft - 1, got {self.prefix}, {used} and {self.n_fft}"
            )
        if _LEAST_USED * used < self.n_fft or self.prefix > _LONGEST:
            raise SignalError(
                f"ofdm: expected at least one used carrier in {_LEAST_USED}, so that the preamble fits in their band, "
                f"and a prefix of at most {_LONGEST} samples, got {used} of {self.n_fft} and {self.prefix}"
            )
        even = self.continual_pilots % 2 == self.scattered_pilots % 2 == 0
        if not even or min(self.continual_pilots, self.scattered_pilots) < 2 or 2 * pilots > used:
            raise SignalError(
                "ofdm: expected even numbers of continual and scattered pilots, 2 of each at the least and together at "
                f"most half of {used} carriers, got {self.continual_pilots} and {self.scattered_pilots}"
            )

    @property
    def preamble(self) -> SingleCarrier:
        """The preamble's waveform: as fast as fits into the band of the used carriers."""
        rate = 2 * int(np.ceil((1 + _ROLLOFF) * self.n_fft / (2 * self.used_carriers)))
        return SingleCarrier(rate, _ROLLOFF, greatest_offset=_GREATEST_OFFSET * rate)

    @property
    def carriers(self) -> NDArray[np.intp]:
        """Numbers of the used carriers, from the lowest up, intp ``[used_carriers]``."""
        half = self.used_carriers // 2
        return np.concatenate([np.arange(-half, 0), np.arange(1, half + 1)])

    @property
    def row(self) -> int:
        """Samples of an OFDM symbol with its prefix."""
        return self.prefix + self.n_fft

    @property
    def data_carriers(self) -> int:
        """Data symbols of an OFDM symbol."""
        return self.used_carriers - self.continual_pilots - self.scattered_pilots

    @property
    def head(self) -> int:
        """Samples from the middle of the preamble's first symbol to the training."""
        return self.preamble.head * self.preamble.samples_per_symbol

    def rows(self, data: int) -> int:
        """OFDM symbols of so many data symbols, without training."""
        return -(-data // self.data_carriers)

    def body_samples(self, data: int) -> int:
        """Samples of training and so many data symbols."""
        return (TRAINING + self.rows(data)) * self.row

    def grid(self, data: int) -> Grid:
        """Return the places of so many data symbols and their pilots."""
        return _grid(self, self.rows(data))

    def training(self) -> NDArray[np.complex64]:
        """Return what all carriers hold in the training, complex64 ``[used_carriers]``, of energy 1."""
        return zadoff_chu(1, self.used_carriers).astype(np.complex64)

    def body_symbols(self, data: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Return the used carriers of a body's OFDM symbols, pilots among them.

        Args:
            data: complex64 ``[n]``.

        Returns:
            complex64 ``[T, used_carriers]``; what is left of the last one is filled with known symbols.
        """
        where = self.grid(data.size)
        body = np.empty((where.data.shape[0], self.used_carriers), np.complex64)
        filling = pilot_symbols(where.pilots.size + where.data.size - data.size)
        np.put_along_axis(body, where.pilots, filling[: where.pilots.size].reshape(where.pilots.shape), axis=1)
        places = np.concatenate([data, filling[where.pilots.size :]]).reshape(where.data.shape)
        np.put_along_axis(body, where.data, places, axis=1)
        return body

    def modulate(self, body: NDArray[np.complex64], peaks: Peaks = _NO_PEAKS) -> NDArray[np.complex64]:
        r"""Make a burst.

        .. math:: x[n] = \frac{1}{\sqrt{K}} \sum_k S_k\, e^{j 2 \pi k n / N}, \quad -G \le n < N

        with K used carriers of N and a prefix of G samples: unit mean power for symbols of unit mean energy.

        Args:
            body: complex64 ``[T, used_carriers]``.
            peaks: What is done about them.

        Returns:
            complex64 ``[...]``: the preamble, two OFDM symbols of training, and the body.
        """
        preamble = self.preamble
        before = preamble.half_span * preamble.samples_per_symbol  # of the pulse, before the middle of the first symbol
        head = preamble.modulate(np.empty(0, np.complex64))[: before + self.head]
        training = self.in_time(np.tile(self.training(), (TRAINING, 1)))
        useful = np.concatenate([training, peaks.reduced(self.in_time(body), self.carriers)])
        return np.concatenate([head, np.concatenate([useful[:, -self.prefix :], useful], axis=1).reshape(-1)])

    def in_time(self, rows: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Return OFDM symbols without prefix, complex64 ``[T, n_fft]``, of carriers ``[T, used_carriers]``."""
        spectra = np.zeros((rows.shape[0], self.n_fft), np.complex64)
        spectra[:, self.carriers] = rows * np.float32(self.n_fft / np.sqrt(self.used_carriers))
        return np.asarray(scipy.fft.ifft(spectra, axis=-1, overwrite_x=True))


@lru_cache(maxsize=8)
def _grid(waveform: Ofdm, rows: int) -> Grid:
    used, scattered = waveform.used_carriers, waveform.scattered_pilots
    half = used // 2
    fixed = (2 * np.arange(waveform.continual_pilots // 2) + 1) * half // waveform.continual_pilots
    free = np.setdiff1d(np.arange(half), fixed)  # of the lower half of the band; the upper half is as the lower one
    step = _coprime(free.size)
    first = np.arange(min(rows, free.size)) * step % free.size  # then it begins anew
    offsets = first[:, None] + np.arange(scattered // 2) * free.size // (scattered // 2)
    moving = free[offsets % free.size]
    low = np.sort(np.concatenate([np.tile(fixed, (first.size, 1)), moving], axis=1), axis=1)
    pilots = np.concatenate([low, low + half], axis=1)
    mask = np.ones((first.size, used), np.bool_)
    np.put_along_axis(mask, pilots, values=False, axis=1)
    left = np.nonzero(mask)[1].reshape(first.size, -1)
    order = interleaver_order(left.shape[1], "block", rows=min(_SPREAD, left.shape[1]))
    which = np.arange(rows) % max(first.size, 1)
    found = Grid(pilots[which], left[:, order][which])
    for array in found:
        array.setflags(write=False)
    return found


def _coprime(size: int) -> int:
    """Return the step near the golden section of a size that has no factor with it: it is soon near all places."""
    step = round(size * 0.618)
    return next(near for near in range(max(step, 1), 2 * size + 2) if np.gcd(near, size) == 1)
