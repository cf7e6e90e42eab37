"""From the samples of an OFDM body to its data: windows, then delay, phase and channel by pilots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .acquire import Acquisition
from .body import pilot_symbols
from .demodulate import Demodulated, coherence
from .gain import amplitude_step
from .ofdm import TRAINING, Ofdm
from .ofdm_channel import ChannelEstimator, Known, Observed
from .preamble import PREAMBLE
from .reception import Sight, thinned
from .track import Start, track

__all__ = ["OfdmDemodulator"]

_TAIL = 128  # samples behind a body that a slow clock reaches into
_PAIRS = 16  # of pilots added up for a step of the delay's loop
_DELAY_GAIN = 0.05
_FASTEST = 40e-6  # of a clock
_PHASE_GAIN = 0.15
_SHOWN, _SHOWN_GAINS = 384, 256  # symbols before the equaliser, gains
_FADED = 1e-6  # of the mean energy: what a carrier is divided by at the least


class _Followed(NamedTuple):
    """OFDM symbols, training first, delay and phase taken off."""

    spectra: NDArray[np.complex64]
    turns: NDArray[np.complex64]  # [T], of the body, what was taken off beside the delay, gain steps included
    phases: NDArray[np.float64]  # [T]
    delays: NDArray[np.float64]  # [T], in samples
    step_db: float


class OfdmDemodulator:
    r"""Demodulates bodies of bursts of one waveform.

    The transform begins a quarter of the prefix early: so much may come before the path that was found. Delay and
    common phase are followed from OFDM symbol to OFDM symbol by two loops of second order, there and back. Two pilots
    half the band apart tell the delay by the angle between them, all pilots together the phase:

    .. math:: \delta_t = -\frac{N}{2 \pi (K / 2 + 1)} \arg \sum_i \rho_{i + P/2} \rho_i^*, \quad
        \phi_t = \arg \sum_i \rho_i, \quad \rho_i = Y_i S_i^* H_i^*

    Carriers are divided by their gain, which is the one tap that there is to each, and MMSE without its bias.

    Args:
        waveform: What is sent.

    Attributes:
        preamble: As it is sent.
        head: Samples from the preamble's first symbol to the body's first sample.
        before: Samples needed before that.
        tail: Samples behind a body that are waited for.
        slack: Samples of a body's end that may be missing.

    Source: Speth et al., Optimum receiver design for OFDM-based broadband transmission, IEEE Trans. Commun. 49(4),
        2001.
    """

    def __init__(self, waveform: Ofdm) -> None:
        self._waveform = waveform
        self.preamble, self.head = waveform.preamble, waveform.head
        self.before, self.tail, self.slack = waveform.prefix, _TAIL, waveform.prefix
        self._early = waveform.prefix // 4
        self._channel = ChannelEstimator(waveform, self._early)
        self._training = waveform.training().conj()
        pilots = waveform.continual_pilots + waveform.scattered_pilots
        self._group = -(-2 * _PAIRS // pilots)
        span = waveform.row / self.preamble.samples_per_symbol  # symbols of the preamble an OFDM symbol takes
        rate = 12 * pilots / PREAMBLE.size**3 * span**2  # bounds of Cramer and Rao, over the variance of one vector
        self._phase_start = Start(pilots / (TRAINING * waveform.used_carriers) + rate, rate, rate)

    def length(self, data: int) -> int:
        """Samples of a body with so many data symbols."""
        return self._waveform.body_samples(data)

    def needed(self, data: int) -> int:
        """Samples needed in all for the first data symbols of a body."""
        return self.before + self.length(data) + self.tail

    def demodulate(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Demodulated:
        """Return the first data symbols of a body.

        Args:
            samples: complex64 ``[needed(data)]``; the body's first sample is at ``before``.
            data: How many data symbols.
            known: From the preamble.
        """
        where = self._waveform.grid(data)
        sent = pilot_symbols(where.pilots.size).reshape(where.pilots.shape)
        cfo = known.cfo / self.preamble.samples_per_symbol
        spectra = self._spectra(samples, np.arange(TRAINING + where.pilots.shape[0]), cfo)
        told = self._told(spectra, known)
        first = self._channel.start(told)
        found = self._followed(samples, spectra, cfo, where.pilots, sent, first, told.n0)
        body = found.spectra[TRAINING:]
        pilots = np.take_along_axis(body, where.pilots, axis=1)
        over_sent = (pilots * sent.conj()).astype(np.complex128)
        channel = self._channel.estimate(told, Observed(over_sent, where.pilots, _PHASE_GAIN / 4))
        gains = np.take_along_axis(channel.gains, where.data, axis=1)
        mean = float(np.mean(np.abs(channel.gains) ** 2))
        energies = np.maximum(np.abs(gains) ** 2, _FADED * mean + 1e-30)
        symbols = np.take_along_axis(body, where.data, axis=1) * gains.conj() / energies
        at_pilots = pilots * np.take_along_axis(channel.gains, where.pilots, axis=1).conj()
        return Demodulated(
            symbols.reshape(-1)[:data],
            (channel.n0 * (1 + channel.error) / energies).reshape(-1)[:data].astype(np.float32),
            (gains * found.turns[:, None]).reshape(-1)[:data],
            10 * float(np.log10(mean / channel.n0)) if mean > 0 else -100.0,
            known.cfo,
            -self._drift(found.delays) * 1e6,
            found.step_db,
            coherence(at_pilots.reshape(-1), sent.reshape(-1)),
            found.phases,
            found.delays,
        )

    def sight(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Sight:
        """Return what is seen of a body on the way to its data: carriers from its middle, the channel's response.

        Args:
            samples: As of `demodulate`.
            data: As of `demodulate`.
            known: From the preamble.
        """
        w, cfo = self._waveform, known.cfo / self.preamble.samples_per_symbol
        rows = w.rows(data)
        shown = min(-(-_SHOWN // w.used_carriers), rows)
        seen = self._spectra(samples, np.arange(TRAINING + (rows + shown) // 2), cfo)
        told = self._told(seen, known)
        middle = seen[TRAINING + (rows - shown) // 2 :]
        response = self._channel.start(told).astype(np.complex64)
        return Sight(w.used_carriers / w.n_fft, thinned(response, _SHOWN_GAINS), middle.reshape(-1)[:_SHOWN])

    def _told(self, spectra: NDArray[np.complex64], known: Acquisition) -> Known:
        """Return what preamble and training tell."""
        halves = spectra[:TRAINING] * self._training
        n0 = float(np.mean(np.abs(halves[0] - halves[1]) ** 2)) / 2 + 1e-30
        return self._channel.known(halves.mean(axis=0).astype(np.complex128), n0, known)

    def _drift(self, delays: NDArray[np.float64]) -> float:
        """Return by how much the delay grows, samples a sample; 0 for too short a body."""
        if delays.size <= self._group:
            return 0.0
        return float(np.polyfit(np.arange(delays.size), delays, 1)[0]) / self._waveform.row

    def _spectra(
        self, samples: NDArray[np.complex64], rows: NDArray[np.intp], cfo: float, shifts: NDArray[np.intp] | int = 0
    ) -> NDArray[np.complex64]:
        """Return the used carriers of OFDM symbols, the carrier offset taken off, complex64 ``[T, used]``."""
        w = self._waveform
        starts = self.before + w.prefix - self._early + rows * w.row + shifts
        starts = np.clip(starts, 0, samples.size - w.n_fft)
        turn = np.exp(-2j * np.pi * cfo * np.arange(w.n_fft)) * (np.sqrt(w.used_carriers) / w.n_fft)
        pieces = sliding_window_view(samples, w.n_fft)[starts] * turn.astype(np.complex64)
        spectra = scipy.fft.fft(pieces, axis=-1, overwrite_x=True)[:, w.carriers]
        spectra *= np.exp(-2j * np.pi * cfo * starts).astype(np.complex64)[:, None]
        return np.asarray(spectra)

    def _followed(
        self,
        samples: NDArray[np.complex64],
        spectra: NDArray[np.complex64],
        cfo: float,
        at: NDArray[np.intp],
        sent: NDArray[np.complex64],
        first: NDArray[np.complex128],
        n0: float,
    ) -> _Followed:
        """Take delay and phase off OFDM symbols, as pilots tell them against the channel of the training."""
        w = self._waveform
        expected = sent.conj() * first[at].conj()
        matched = np.take_along_axis(spectra[TRAINING:], at, axis=1) * expected
        delays = self._delays(matched, n0 / float(np.mean(np.abs(first) ** 2) + 1e-30))
        shifts = np.rint(np.concatenate([np.zeros(TRAINING), delays])).astype(np.intp)
        if shifts.any():
            spectra = self._spectra(samples, np.arange(shifts.size), cfo, shifts)
        left = np.concatenate([np.zeros(TRAINING), delays]) - shifts
        angles = 2 * np.pi / w.n_fft * np.outer(left, w.carriers)
        spectra = spectra * np.exp(1j * angles).astype(np.complex64)
        vectors = (np.take_along_axis(spectra[TRAINING:], at, axis=1) * expected).sum(axis=1)
        phases = track(vectors.astype(np.complex128), _PHASE_GAIN, self._phase_start)
        energies = (np.abs(expected) ** 2).sum(axis=1)
        amplitudes = (vectors * np.exp(-1j * phases)).real / np.maximum(energies, 1e-30)
        step, step_db = amplitude_step(amplitudes, float(np.sqrt(n0 / 2 / max(float(energies.mean()), 1e-30))))
        turns = np.exp(1j * phases)
        if step:
            turns[step:] *= 10 ** (step_db / 20)
        spectra[TRAINING:] /= turns[:, None]
        return _Followed(spectra, turns.astype(np.complex64), phases, delays, step_db)

    def _delays(self, matched: NDArray[np.complex128], n0: float) -> NDArray[np.float64]:
        """Return the delay of each OFDM symbol of a body, in samples.

        Args:
            matched: complex ``[T, P]``, pilots times the conjugate of what is expected.
            n0: Noise variance over the energy of a carrier.
        """
        per_sample = 2 * np.pi * (self._waveform.used_carriers // 2 + 1) / self._waveform.n_fft
        fastest = _FASTEST * self._waveform.row * self._group * per_sample  # angle from step to step
        variance = (n0 + n0 * n0 / 2) / _PAIRS  # of one angle
        rate = 10 ** round(np.log10(fastest * fastest / 3 / variance + 1e-12))
        half = matched.shape[1] // 2
        crossed = (matched[:, half:] * matched[:, :half].conj()).sum(axis=1)
        starts = np.arange(0, crossed.size, self._group)
        groups = np.add.reduceat(crossed, starts) if starts.size else crossed
        angles = track(groups.astype(np.complex128), _DELAY_GAIN, Start(rate / 4, rate / 2, rate))
        ends = np.append(starts[1:], crossed.size)
        places = np.concatenate([[-TRAINING / 2], (starts + ends) / 2 - 0.5, [crossed.size + self._group]])
        angles = np.concatenate([[0.0], angles])
        slope = (angles[-1] - angles[-2]) / (places[-2] - places[-3])
        angles = np.append(angles, angles[-1] + slope * (places[-1] - places[-2]))
        return np.interp(np.arange(crossed.size), places, -angles / per_sample)
