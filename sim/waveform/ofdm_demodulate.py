"""From the samples of an OFDM body to its data: transforms, then delay, phase and channel by pilots."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .acquire import Acquisition
from .body import pilot_symbols
from .demodulate import Demodulated, coherence
from .ofdm import TRAINING, Ofdm
from .ofdm_channel import ChannelEstimator, Known, Observed
from .ofdm_follow import Follower, Turns
from .ofdm_peaks import without_distortion
from .peaks import Peaks
from .reception import Sight, thinned

__all__ = ["OfdmDemodulator"]

_TAIL = 128  # samples behind a body that a slow clock reaches into
_SHOWN, _SHOWN_GAINS = 384, 256  # symbols before the equaliser, gains
_BACK = 128  # pilots by which a channel is older that tells whether a burst goes on: it was not fitted to those
_FADED = 1e-6  # of the mean energy: what a carrier is divided by at the least


class OfdmDemodulator:
    r"""Demodulates bodies of bursts of one waveform.

    The Fourier transform begins a quarter of the prefix early: so much may come before the path that was found. Delay
    and common phase are taken off as the pilots tell them against the channel of preamble and training, then the
    channel is told anew by all pilots. Carriers are divided by their gain, which is the one tap that there is to each,
    and MMSE without its bias.

    .. math:: \hat S_k = Y_k\, e^{j 2 \pi k \delta_t / N - j \phi_t} / H_k

    Args:
        waveform: What is sent.
        peaks: What the transmitter does about peaks, where that is known: its distortion is then reckoned back.

    Attributes:
        preamble: As it is sent.
        head: Samples from the preamble's first symbol to the body's first sample.
        before: Samples needed before that.
        tail: Samples behind a body that are waited for.
        slack: Samples of a body's end that may be missing.
    """

    def __init__(self, waveform: Ofdm, peaks: Peaks | None = None) -> None:
        self._waveform, self._peaks = waveform, peaks or Peaks()
        self.preamble, self.head = waveform.preamble, waveform.head
        self.before, self.tail, self.slack = waveform.prefix, _TAIL, waveform.prefix
        self._early = waveform.prefix // 4
        self._channel, self._follower = ChannelEstimator(waveform, self._early), Follower(waveform)
        self._training = waveform.training().conj()
        self._known: Acquisition | None = None

    def length(self, data: int) -> int:
        """Samples of a body with so many data symbols."""
        return self._waveform.body_samples(data)

    def uses(self, data: int) -> int:
        """Channel uses of a body with so many data symbols, pilots and what fills it up included."""
        return self._waveform.rows(data) * self._waveform.used_carriers

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
        body, delays, turns = self._straight(samples, where.pilots, sent, known)
        pilots = np.take_along_axis(body, where.pilots, axis=1) * sent.conj()
        seen = Observed(pilots.astype(np.complex128), where.pilots, self._follower.freedom)
        channel = self._channel.estimate(self._start(samples, known)[0], seen)
        energies = np.abs(channel.gains) ** 2
        mean = float(energies.mean())
        energies = np.maximum(energies, _FADED * mean + 1e-30)
        carriers = body * channel.gains.conj() / energies
        n0 = (channel.n0 * (1 + channel.error) / energies).astype(np.float32)
        carriers, left = self._cleaned(carriers, where.pilots, sent, n0)
        here = np.take_along_axis(channel.gains, where.data, axis=1)
        esn0_db = 10 * float(np.log10(mean / (channel.n0 * left))) if mean > 0 else -100.0
        return Demodulated(
            np.take_along_axis(carriers, where.data, axis=1).reshape(-1)[:data],
            left * np.take_along_axis(n0, where.data, axis=1).reshape(-1)[:data],
            (here * turns.gains[:, None]).reshape(-1)[:data],
            esn0_db,
            known.cfo,
            self._follower.clock_ppm(delays),
            turns.step_db,
            self._coherence(pilots, where.pilots, channel.gains / np.sqrt(max(mean, 1e-30))),
            turns.phases,
            delays,
        )

    def _coherence(self, pilots: NDArray[np.complex64], at: NDArray[np.intp], gains: NDArray[np.complex64]) -> float:
        """Return whether the burst goes on to its end; ``gains`` are those of the energy that the burst has."""
        rows = at.shape[0]
        back = min(-(-_BACK // at.shape[1]), rows // 4)
        earlier = np.take_along_axis(gains[np.maximum(np.arange(rows) - back, 0)], at, axis=1)
        told, start = self._prepared
        esn0_db = 10 * float(np.log10(np.mean(np.abs(start) ** 2) / told.n0 + 1e-10))
        return coherence((pilots * earlier.conj()).reshape(-1), np.ones(at.size, np.complex64), esn0_db)

    def _cleaned(
        self,
        carriers: NDArray[np.complex64],
        at: NDArray[np.intp],
        sent: NDArray[np.complex64],
        n0: NDArray[np.float32],
    ) -> tuple[NDArray[np.complex64], np.float32]:
        """Return carriers without a limiter's distortion, and the share of the noise that is left beside the pilots."""
        if self._peaks.kind == "keep":
            return carriers, np.float32(1)
        cleaned = without_distortion(self._waveform, self._peaks, carriers, n0)
        weights = 1 / np.take_along_axis(n0, at, axis=1)
        wrong = [np.abs(np.take_along_axis(each, at, axis=1) - sent) ** 2 * weights for each in (cleaned, carriers)]
        left = np.float32(wrong[0].sum() / max(float(wrong[1].sum()), 1e-30))
        return (cleaned, left) if left < 1 else (carriers, np.float32(1))

    def _straight(
        self, samples: NDArray[np.complex64], at: NDArray[np.intp], sent: NDArray[np.complex64], known: Acquisition
    ) -> tuple[NDArray[np.complex64], NDArray[np.float64], Turns]:
        """Return the OFDM symbols of a body, delay and phase taken off, and these."""
        told, gains = self._start(samples, known)
        expected = sent.conj() * gains[at].conj()
        numbers = TRAINING + np.arange(at.shape[0])
        body = self._spectra(samples, numbers, known)
        matched = np.take_along_axis(body, at, axis=1) * expected
        delays = self._follower.delays(matched, told.n0 / float(np.mean(np.abs(gains) ** 2) + 1e-30))
        shifts = np.rint(delays).astype(np.intp)
        if shifts.any():
            body = self._spectra(samples, numbers, known, shifts)
        angles = 2 * np.pi / self._waveform.n_fft * np.outer(delays - shifts, self._waveform.carriers)
        body *= np.exp(1j * angles).astype(np.complex64)
        matched = np.take_along_axis(body, at, axis=1) * expected
        turns = self._follower.turns(matched, (np.abs(expected) ** 2).sum(axis=1), told.n0)
        body /= turns.gains[:, None]
        return body, delays, turns

    def sight(self, samples: NDArray[np.complex64], data: int, known: Acquisition) -> Sight:
        """Return what is seen of a body on the way to its data: carriers from its middle, the channel's response.

        Args:
            samples: As of `demodulate`.
            data: As of `demodulate`.
            known: From the preamble.
        """
        w = self._waveform
        rows = w.rows(data)
        shown = min(-(-_SHOWN // w.used_carriers), rows)
        middle = self._spectra(samples, TRAINING + (rows - shown) // 2 + np.arange(shown), known)
        response = thinned(self._start(samples, known)[1].astype(np.complex64), _SHOWN_GAINS)
        return Sight(w.used_carriers / w.n_fft, response, middle.reshape(-1)[:_SHOWN])

    def _start(self, samples: NDArray[np.complex64], known: Acquisition) -> tuple[Known, NDArray[np.complex128]]:
        """Return what preamble and training tell, and the gains by it."""
        if known is not self._known:  # the words of a burst, then all of it
            halves = self._spectra(samples, np.arange(TRAINING), known) * self._training
            n0 = float(np.mean(np.abs(halves[0] - halves[1]) ** 2)) / 2 + 1e-30
            told = self._channel.known(halves.mean(axis=0).astype(np.complex128), n0, known)
            self._known, self._prepared = known, (told, self._channel.start(told))
        return self._prepared

    def _spectra(
        self,
        samples: NDArray[np.complex64],
        numbers: NDArray[np.intp],
        known: Acquisition,
        shifts: NDArray[np.intp] | int = 0,
    ) -> NDArray[np.complex64]:
        """Return the used carriers of OFDM symbols, the carrier offset taken off, complex64 ``[T, used]``."""
        w, cfo = self._waveform, known.cfo / self.preamble.samples_per_symbol
        starts = self.before + w.prefix - self._early + numbers * w.row + shifts
        starts = np.clip(starts, 0, samples.size - w.n_fft)
        turn = np.exp(-2j * np.pi * cfo * np.arange(w.n_fft)) * (np.sqrt(w.used_carriers) / w.n_fft)
        pieces = sliding_window_view(samples, w.n_fft)[starts] * turn.astype(np.complex64)
        spectra = scipy.fft.fft(pieces, axis=-1, overwrite_x=True)[:, w.carriers]
        spectra *= np.exp(-2j * np.pi * cfo * starts).astype(np.complex64)[:, None]
        return np.asarray(spectra)
