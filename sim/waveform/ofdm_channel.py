"""The channel of all carriers through a burst of OFDM symbols, from preamble, training and pilots."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from .acquire import FIRST_TAP, TAPS, Acquisition
from .ofdm import TRAINING, Ofdm
from .preamble import PREAMBLE

__all__ = ["Channel", "ChannelEstimator", "Known", "Observed"]

_BEYOND = 2  # samples of the support before the window's place and behind the prefix: what a band-limited tap reaches
_SHORT = 48  # taps that are all reckoned with
_CHANCE = 1e-2  # that noise is taken for a tap somewhere
_SILENT = 1e-6  # of the loudest tap: a window's sidelobes
_AROUND = 4  # taps around those that are heard
_SEGMENTS = (256, 64, 16)  # pilots of a segment, where shorter ones tell more
_LEAST = 1e-4  # of the energy, that is believed of a tap at the least
_RIDGE = 1e-3  # of the first estimate, where no tap is known: some are in the guards and nowhere else
_HALVES = (
    64  # carriers whose two halves of the training count as noise; in long OFDM symbols a clock moves between them
)
_BINS = 1024  # of the preamble's symbol rate: how finely its band is known
_MOST = 1.0  # change between segments, over the energy of the channel


class Known(NamedTuple):
    """What preamble and training tell of the carriers.

    Attributes:
        gains: complex128 ``[used]``, their weighted means.
        weights: float64 ``[used]``, how many symbols of noise variance n0 they are worth.
        n0: Noise variance, about.
        support: intp ``[taps]``, delays in samples at which there is an impulse response.
    """

    gains: NDArray[np.complex128]
    weights: NDArray[np.float64]
    n0: float
    support: NDArray[np.intp]


class Observed(NamedTuple):
    """Pilots that a receiver has, phase and delay taken off.

    Attributes:
        pilots: complex128 ``[T, P]``, over what was sent.
        at: intp ``[T, P]``, their carriers' places.
        freedom: By how many pilots' worth of each OFDM symbol their phase was fitted to them.
    """

    pilots: NDArray[np.complex128]
    at: NDArray[np.intp]
    freedom: float


class Channel(NamedTuple):
    """What they tell.

    Attributes:
        gains: complex64 ``[T, used]``.
        n0: Noise variance of a carrier.
        error: Of the gains, their variance over n0.
    """

    gains: NDArray[np.complex64]
    n0: float
    error: float


class ChannelEstimator:
    r"""Estimates the channel as an impulse response that is no longer than the prefix.

    .. math:: h = \Big(F^H C F + N_0 \Lambda^{-1}\Big)^{-1} F^H a

    a are the sums of what was received at each carrier over what was sent, C how many there are (the preamble counts by
    its energy), F the Fourier transform from the support to the used carriers, and Lambda the energies of the taps,
    which a first estimate tells: an MMSE estimate. Of a long prefix only that part is the support in which preamble and
    training hear something, or work would grow with its third power.

    The burst as a whole gives one; each 256 pilots give how the channel differs from it there, by the same formula,
    with the energy of that difference over all of the burst; between them it is interpolated. Segments of 64 and 16 are
    taken where they leave less beside the pilots, what they fit reckoned with (a generalised cross-validation).

    Args:
        waveform: What is sent.
        early: Samples by which the transform begins before the first path.
    """

    def __init__(self, waveform: Ofdm, early: int) -> None:
        pilots = waveform.continual_pilots + waveform.scattered_pilots
        self._segments = [-(-segment // pilots) for segment in _SEGMENTS]  # OFDM symbols
        self._size, self._carriers = waveform.n_fft, waveform.carriers
        self._support = np.arange(-_BEYOND, waveform.prefix + _BEYOND + 1)
        self._window = np.hanning(waveform.used_carriers + 2)[1:-1]
        self._halves = min(waveform.used_carriers, _HALVES)
        preamble = waveform.preamble
        rate = preamble.samples_per_symbol
        delays = np.arange(FIRST_TAP, FIRST_TAP + TAPS) * rate / 2 + early
        self._from_taps = np.exp(-2j * np.pi * np.outer(waveform.carriers, delays) / waveform.n_fft)
        inside = np.abs(np.fft.fft(preamble.pulse, rate * _BINS)) ** 2 / rate  # 1 in the middle of the band
        where = np.rint(waveform.carriers / waveform.n_fft * inside.size).astype(np.intp)
        share = waveform.used_carriers / waveform.n_fft
        self._worth = inside[where] * PREAMBLE.size * rate**2 / waveform.n_fft * share
        self._density = rate * share

    def known(self, training: NDArray[np.complex128], n0: float, preamble: Acquisition) -> Known:
        """Put together what preamble and training tell.

        Args:
            training: complex128 ``[used]``, the mean over what was sent.
            n0: Noise variance of a carrier, from the training's two halves.
            preamble: Whose taps are turned and scaled to the training. Where its noise is more than n0, which is so
                where its taps do not hold the whole channel, it counts for less.
        """
        told = (self._from_taps * preamble.taps).sum(axis=-1)
        energy = float(np.sum(self._worth * np.abs(told) ** 2))
        scale = np.sum(self._worth * told.conj() * training) / max(energy, 1e-30)
        noise = preamble.n0 * float(np.abs(scale) ** 2) * self._density
        worth = self._worth * min(1.0, n0 / max(noise, 1e-30))
        weights = worth + TRAINING
        gains = (worth * scale * told + TRAINING * training) / weights
        return Known(gains, weights, n0, self._heard(gains, n0 * float(np.sum(self._window**2 / weights))))

    def _heard(self, gains: NDArray[np.complex128], noise: float) -> NDArray[np.intp]:
        """Return the part of the support in which there is more than noise, and a little around; all of a short one."""
        if self._support.size <= _SHORT:
            return self._support
        energies = np.abs(self._back(self._window * gains, self._support)) ** 2
        loudest = float(np.log(energies.size / _CHANCE))
        loud = np.flatnonzero(energies > max(loudest * noise, _SILENT * float(energies.max())))
        first, last = (int(loud[0]), int(loud[-1])) if loud.size else (0, self._support.size)
        return self._support[max(first - _AROUND, 0) : last + _AROUND + 1]

    def start(self, known: Known) -> NDArray[np.complex128]:
        """Return the gains before any pilot, complex128 ``[used]``."""
        gram, matched = self._gram(known.weights, known.support), self._back(known.weights * known.gains, known.support)
        return self._forth(self._solved(gram, matched, known.n0)[0], known.support)

    def estimate(self, known: Known, seen: Observed) -> Channel:
        """Return the channel of each OFDM symbol."""
        best = self._fitted(known, seen, self._segments[0])
        for segment in self._segments[1:]:
            if segment >= seen.at.shape[0]:
                continue
            other = self._fitted(known, seen, segment)
            if other.n0 * (1 - best.error) >= best.n0 * (1 - other.error):
                break
            best = other
        return best

    def _fitted(self, known: Known, seen: Observed, segment: int) -> Channel:
        """Return the channel by segments of so many OFDM symbols."""
        rows, used = seen.pilots.shape[0], self._carriers.size
        starts = np.arange(0, max(rows - segment // 2, 1), segment)
        which = np.minimum(np.arange(rows) // segment, starts.size - 1)
        sums, counts = self._collected(seen, which)
        grams = self._gram(counts, known.support)  # [segments, taps, taps]
        gram = grams.sum(axis=0) + self._gram(known.weights, known.support)
        matched = self._back(sums.sum(axis=0) + known.weights * known.gains, known.support)
        taps, energies, inverse = self._solved(gram, matched, known.n0)
        mean = self._forth(taps, known.support)
        changes, changed = self._changes(grams, self._back(sums - counts * mean, known.support), energies, known.n0)
        gains = np.broadcast_to(mean.astype(np.complex64), (rows, used))
        if changes is not None:
            gains = gains + _between(self._forth(changes, known.support).astype(np.complex64), starts, rows)
        wrong = (seen.pilots - np.take_along_axis(gains, seen.at, axis=1)).reshape(-1)
        left = float(np.vdot(wrong, wrong).real) + self._halves * known.n0
        phase = rows * seen.freedom
        fitted = _trace(inverse, grams.sum(axis=0)) + changed + phase
        count = wrong.size + self._halves
        n0 = max(left / max(count - fitted, count / 2), 1e-12 * float(np.vdot(mean, mean).real) / used)
        error = _trace(inverse, self._gram(np.ones(used), known.support)) / used
        return Channel(gains, n0, error + (changed + phase) / wrong.size)

    def _collected(self, seen: Observed, which: NDArray[np.intp]) -> tuple[NDArray[np.complex128], NDArray[np.intp]]:
        """Return sums and numbers of the pilots of each segment at each carrier, ``[segments, used]``."""
        used, segments = self._carriers.size, int(which[-1]) + 1
        places, values = (which[:, None] * used + seen.at).reshape(-1), seen.pilots.reshape(-1)
        parts = (np.bincount(places, part, segments * used) for part in (values.real, values.imag))
        real, imag = (part.reshape(-1, used) for part in parts)
        return real + 1j * imag, np.bincount(places, minlength=segments * used).reshape(-1, used)

    def _gram(self, weights: NDArray[Any], support: NDArray[np.intp]) -> NDArray[np.complex128]:
        """Return F^H W F of weights ``[..., used]``: its diagonals are a Fourier transform of them."""
        return self._spread(weights)[..., (support[:, None] - support) % self._size]

    def _back(self, values: NDArray[np.complex128], support: NDArray[np.intp]) -> NDArray[np.complex128]:
        """Return F^H a of values ``[..., used]``."""
        return self._spread(values)[..., support]

    def _forth(self, taps: NDArray[np.complex128], support: NDArray[np.intp]) -> NDArray[np.complex128]:
        """Return F h of taps ``[..., support]``."""
        spread = np.zeros((*taps.shape[:-1], self._size), np.complex128)
        spread[..., support] = taps
        return np.asarray(scipy.fft.fft(spread, axis=-1, overwrite_x=True)[..., self._carriers])

    def _spread(self, values: NDArray[Any]) -> NDArray[np.complex128]:
        """Return values of the used carriers at all delays, ``[..., n_fft]``."""
        spread = np.zeros((*values.shape[:-1], self._size), np.complex128)
        spread[..., self._carriers] = values
        return np.asarray(scipy.fft.ifft(spread, axis=-1, norm="forward", overwrite_x=True))

    def _solved(
        self, gram: NDArray[np.complex128], matched: NDArray[np.complex128], n0: float
    ) -> tuple[NDArray[np.complex128], NDArray[np.float64], NDArray[np.complex128]]:
        """Return taps, their energies, and their covariance over n0."""
        level = float(np.trace(gram).real) / gram.shape[0]
        inverse = np.linalg.inv(gram + _RIDGE * level * np.eye(gram.shape[0]))
        taps = (inverse * matched).sum(axis=-1)
        energies = np.abs(taps) ** 2
        energies = np.maximum(energies - n0 * np.diag(inverse).real, _LEAST * energies.sum()) + 1e-30
        inverse = np.linalg.inv(gram + np.diag(n0 / energies))
        return (inverse * matched).sum(axis=-1), energies, np.asarray(inverse, np.complex128)

    def _changes(
        self,
        grams: NDArray[np.complex128],
        matched: NDArray[np.complex128],
        energies: NDArray[np.float64],
        n0: float,
    ) -> tuple[NDArray[np.complex128] | None, float]:
        """Return by how much the taps of each segment differ from the mean, if they do, and how much was fitted.

        The energy of the difference is told by moments: E(m^H L m) = n0 tr(L G) + q tr(L G L G).
        """
        if grams.shape[0] < 2:
            return None, 0.0
        weighted = energies[:, None] * grams
        seen = float((energies * np.abs(matched) ** 2).sum())
        noise = n0 * float(np.trace(weighted, axis1=1, axis2=2).real.sum())
        share = (seen - noise) / _trace(weighted, weighted)
        if share <= 0:
            return None, 0.0
        inverses = np.linalg.inv(grams + np.diag(n0 / (min(share, _MOST) * energies)))
        return np.asarray((inverses * matched[:, None, :]).sum(axis=-1)), _trace(inverses, grams)


def _between(changes: NDArray[np.complex64], starts: NDArray[np.intp], rows: int) -> NDArray[np.complex64]:
    """Return what is known of each segment, ``[segments, used]``, at each OFDM symbol, ``[rows, used]``."""
    middles = (starts + np.append(starts[1:], rows) - 1) / 2
    place = np.interp(np.arange(rows), middles, np.arange(starts.size))
    before = np.minimum(place.astype(np.intp), starts.size - 2)
    share = (place - before)[:, None].astype(np.float32)
    return np.asarray(changes[before] * (1 - share) + changes[before + 1] * share)


def _trace(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Return the trace of a product, summed over the first axes."""
    return float((left * right.swapaxes(-1, -2)).sum().real)
