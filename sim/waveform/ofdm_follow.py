"""Delay, phase and amplitude of a body of OFDM symbols, from its pilots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .gain import amplitude_step
from .ofdm import TRAINING, Ofdm
from .preamble import PREAMBLE
from .track import Start, track

__all__ = ["Follower", "Turns"]

_PAIRS = 16  # of pilots added up for a step of the delay's loop
_DELAY_GAIN = 0.05
_FASTEST = 40e-6  # of a clock
_PHASE_GAIN = 0.15


class Turns(NamedTuple):
    """What all carriers of an OFDM symbol have in common.

    Attributes:
        gains: complex64 ``[T]``, common phase, and amplitude since it stepped.
        phases: float64 ``[T]``, in radians.
        step_db: The greatest sudden change of the amplitude, in dB; 0 where there is none beyond doubt.
    """

    gains: NDArray[np.complex64]
    phases: NDArray[np.float64]
    step_db: float


class Follower:
    r"""Follows delay and phase from OFDM symbol to OFDM symbol by two loops of second order, there and back.

    .. math:: \delta_t = -\frac{N}{2 \pi (K / 2 + 1)} \arg \sum_i \rho_{i + P/2} \rho_i^*, \quad
        \phi_t = \arg \sum_i \rho_i, \quad \rho_i = Y_i S_i^* H_i^*

    Two pilots half the band apart tell the delay by the angle between them, all pilots together the phase.

    Args:
        waveform: What is sent.

    Attributes:
        freedom: How many pilots' worth of each OFDM symbol a phase that is fitted to them takes up.

    Source: Speth et al., Optimum receiver design for OFDM-based broadband transmission, IEEE Trans. Commun. 49(4),
        2001.
    """

    freedom = _PHASE_GAIN / 4

    def __init__(self, waveform: Ofdm) -> None:
        pilots = waveform.continual_pilots + waveform.scattered_pilots
        self._row = waveform.row
        self._group = -(-2 * _PAIRS // pilots)
        self._per_sample = 2 * np.pi * (waveform.used_carriers // 2 + 1) / waveform.n_fft
        span = waveform.row / waveform.preamble.samples_per_symbol  # symbols of the preamble an OFDM symbol takes
        rate = 12 * pilots / PREAMBLE.size**3 * span**2  # bounds of Cramer and Rao, over the variance of one vector
        self._phase_start = Start(pilots / (TRAINING * waveform.used_carriers) + rate, rate, rate)

    def delays(self, matched: NDArray[np.complex128], n0: float) -> NDArray[np.float64]:
        """Return the delay of each OFDM symbol since the training, float64 ``[T]``, in samples.

        Args:
            matched: complex128 ``[T, P]``, pilots times the conjugate of what is expected.
            n0: Noise variance over the energy of a carrier.
        """
        fastest = _FASTEST * self._row * self._group * self._per_sample  # angle from step to step
        variance = (n0 + n0 * n0 / 2) / _PAIRS  # of one angle
        rate = 10 ** round(float(np.log10(fastest * fastest / 3 / variance + 1e-12)))
        low, high = np.split(matched, 2, axis=1)
        crossed = (high * low.conj()).sum(axis=1)
        starts = np.arange(0, crossed.size, self._group)
        groups = np.add.reduceat(crossed, starts)
        angles = np.append(0.0, track(groups, _DELAY_GAIN, Start(rate / 4, rate / 2, rate)))
        ends = np.append(starts[1:], crossed.size)
        places = np.concatenate([[-TRAINING / 2], (starts + ends) / 2 - 0.5, [crossed.size + self._group]])
        slope = (angles[-1] - angles[-2]) / (places[-2] - places[-3])
        angles = np.append(angles, angles[-1] + slope * (places[-1] - places[-2]))
        return np.interp(np.arange(crossed.size), places, -angles / self._per_sample)

    def turns(self, matched: NDArray[np.complex128], energies: NDArray[np.float64], n0: float) -> Turns:
        """Return phase and amplitude of each OFDM symbol, its delay taken off.

        Args:
            matched: complex128 ``[T, P]``, pilots times the conjugate of what is expected.
            energies: float64 ``[T]``, of what is expected, over the pilots.
            n0: Noise variance of a carrier.
        """
        vectors = matched.sum(axis=1)
        phases = track(vectors, _PHASE_GAIN, self._phase_start)
        amplitudes = (vectors * np.exp(-1j * phases)).real / np.maximum(energies, 1e-30)
        deviation = float(np.sqrt(n0 / 2 / max(float(energies.mean()), 1e-30)))
        step, step_db = amplitude_step(amplitudes, deviation)
        gains = np.exp(1j * phases)
        if step:
            gains[step:] *= 10 ** (step_db / 20)
        return Turns(gains.astype(np.complex64), phases, step_db)

    def clock_ppm(self, delays: NDArray[np.float64]) -> float:
        """Return how much faster the sender's clock is, in 1e-6; 0 for too short a body."""
        if delays.size <= self._group:
            return 0.0
        return -1e6 * float(np.polyfit(np.arange(delays.size), delays, 1)[0]) / self._row
