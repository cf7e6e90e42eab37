"""Finding a preamble in noise, with an offset of the carrier that nobody knows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from .preamble import LENGTH, ROOTS, threshold, zadoff_chu
from .single_carrier import SingleCarrier

__all__ = ["Detection", "Detector"]

_BINS = 8192  # of a block, at two samples a symbol
_AROUND = 96  # half symbols to each side of a place that is found, which are told
_FLOOR = 1e-8  # of the block's greatest energy: below it there is what a transform leaves of silence


class Detection(NamedTuple):
    """A preamble that was found.

    Attributes:
        position: Of the middle of its first symbol, in samples from the first of the block.
        cfo: Coarse carrier offset in cycles a symbol.
        statistic: The smaller of the two roots' statistics.
        around: float32 ``[193]``, the smaller of them at half symbols around: of the first root the one there, of the
            second the greatest that belongs to it; NaN beyond the block.
    """

    position: float
    cfo: float
    statistic: float
    around: NDArray[np.float32]


class Detector:
    r"""Looks for preambles, block by block.

    .. math:: T_u[k] = \frac{\left|\sum_n z_u^*[n]\, y[k + 2 n]\right|^2}{N \sum_n |y[k + 2 n]|^2}

    y is the signal behind the matched filter, two samples a symbol. Noise behind a root-raised-cosine filter is white
    at one sample a symbol, so that N is the length of the sequence and no effective one. A preamble is found at k where
    the first root exceeds the threshold, and the second one does, too, within the places that offsets up to the
    greatest one move it to. In noise alone that happens with a probability of at most W p^2 a position, where p is the
    false-alarm rate of one statistic and W the number of places: the threshold is that of p = sqrt(rate / W).

    Args:
        waveform: What is sent.
        rate: Of false alarms, per position of two a symbol, in white noise.

    Attributes:
        eta: The threshold.
        size: Samples of a block.
        positions: Samples of a block, from the first on, at which preambles are looked for.
        before: Samples that a block holds before the first of these positions.
    """

    def __init__(self, waveform: SingleCarrier, rate: float) -> None:
        half = waveform.samples_per_symbol // 2
        self._half = half
        self._greatest = waveform.greatest_offset
        self._reach = int(np.ceil(4 * self._greatest * LENGTH)) + 1  # half symbols: how far the roots' peaks move apart
        self.eta = threshold(float(np.sqrt(rate / (2 * self._reach + 1))), LENGTH)
        self.size = _BINS * half
        self._edge = 2 * waveform.half_span
        self.before = self._edge * half
        self._searched = _BINS - 2 * self._edge - 4 * LENGTH - 4 * self._reach
        self.positions = self._searched * half
        taps = np.zeros(self.size)
        taps[: waveform.pulse.size] = waveform.pulse
        filtered = scipy.fft.fft(np.roll(taps, -waveform.half_span * waveform.samples_per_symbol)).real
        self._low = np.r_[0 : _BINS // 2, self.size - _BINS // 2 : self.size]
        self._filter = (filtered[self._low] / half).astype(np.float32)
        self._sequences = []
        for root in ROOTS:
            spread = np.zeros(_BINS, np.complex128)
            spread[: 2 * LENGTH : 2] = zadoff_chu(root, LENGTH)
            self._sequences.append(scipy.fft.fft(spread).conj().astype(np.complex64))

    def statistics(self, samples: NDArray[np.complex64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the statistics of both roots at each position of a block, two a symbol.

        Args:
            samples: complex64 ``[size]``; the first position is at sample ``before``.

        Returns:
            float64 ``[n]`` each; of the second root it is that of the second half of the preamble that begins there.
        """
        spectrum = scipy.fft.fft(samples)[self._low] * self._filter
        filtered = scipy.fft.ifft(spectrum)
        energy = (filtered.real**2 + filtered.imag**2).astype(np.float64).reshape(-1, 2)
        total = np.concatenate([np.zeros((1, 2)), energy.cumsum(axis=0)])
        total = LENGTH * (total[LENGTH:] - total[:-LENGTH]).reshape(-1)
        np.maximum(total, max(_FLOOR * total.max(), np.finfo(np.float32).tiny), out=total)
        found = []
        for sequence, late in zip(self._sequences, (0, 2 * LENGTH), strict=True):
            match = scipy.fft.ifft(spectrum * sequence)
            first = self._edge + late
            last = first + self._searched + 4 * self._reach
            power = match.real[first:last] ** 2 + match.imag[first:last] ** 2
            found.append(power / total[first:last])
        return found[0], found[1]

    def find(self, samples: NDArray[np.complex64]) -> Detection | None:
        """Return the first preamble of a block that begins at one of its positions."""
        up, down = self.statistics(samples)
        reach = self._reach
        above = up[: self._searched + 2 * reach] > self.eta
        if not above.any():
            return None
        best_down = maximum_filter1d(down, 2 * reach + 1, mode="constant")
        hits = np.flatnonzero(above & (best_down[: above.size] > self.eta))
        if not hits.size or hits[0] >= self._searched:
            return None
        near = hits[hits <= hits[0] + 2 * reach]
        first = int(near[np.argmax(up[near] * best_down[near])])
        start = max(first - reach, 0)
        second = start + int(np.argmax(down[start : first + reach + 1]))
        one, other = _peak(up, first), _peak(down, second)
        cfo = float(np.clip((one - other) / (4 * LENGTH), -1.25 * self._greatest, 1.25 * self._greatest))
        around = np.full(2 * _AROUND + 1, np.nan, np.float32)
        told = np.arange(max(first - _AROUND, 0), min(first + _AROUND + 1, up.size))
        around[told - first + _AROUND] = np.minimum(up[told], best_down[told])
        place = self.before + (one + other) / 2 * self._half
        return Detection(place, cfo, float(min(up[first], down[second])), around)


def _peak(values: NDArray[np.float64], at: int) -> float:
    """Return the place of a maximum between samples, from a parabola through three."""
    if not 0 < at < values.size - 1:
        return float(at)
    left, middle, right = np.sqrt(values[at - 1 : at + 2])
    bend = left - 2 * middle + right
    return at + (float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0)
