"""`channels/tdl_samples`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.arrays import product
from ...sim.channels.awgn import awgn
from ...sim.channels.doppler import SINUSOIDS
from ...sim.channels.tapped_delay_line import LEAD, delay_weights, tapped_delay_line
from ...sim.channels.tdl import tap_gains
from ...sim.channels.tdl_profiles import tdl_taps
from ...sim.noise import CounterNoise
from ..block import Block, RunContext
from ..envelope import Out, Stream
from ..params import BlockParams, Live
from ..ports import Samples

__all__ = ["TdlSamples"]

_KNOTS_PER_CYCLE = 128  # of the greatest Doppler shift: straight lines between knots err by -70 dB
_KNOTS = 64  # to a block of gains; blocks lie on a fixed raster of the stream, whatever the chunks
_PIECE = 1 << 20  # coefficients held at once


class TdlSamples(Block):
    r"""Multipath fading of a stream of samples by the profiles TDL-A to TDL-E.

    .. math:: y[n] = \sum_l a_l(n / f_s)\, x(n / f_s - \tau_l) + w[n],
        \quad w[n] \sim \mathcal{CN}(0, 10^{-\mathrm{snr\_db}/10})

    The sample rate is the stream's. Delays between samples are made by a windowed sinc of 8 samples to each side:
    exact to -60 dB for a signal within 70 % of the band. Output n belongs to input n; it is given once input n + 8 is
    there, and the last ones when the stream ends. One realisation a stream; its gains are functions of absolute time,
    drawn as straight lines between at least 128 knots a Doppler cycle. The energies of the taps sum to one.

    Input:   samples: complex64 ``[n]``, a chunk of a stream of unit mean power, at most 4096 samples of delay.
    Output:  complex64 ``[n]``, as many in all as went in.
    Raises:  SignalError: the longest delay is above 4096 samples, doppler_hz is above a 128th of the sample rate, or
             the sample rate changes.
    State:   the samples that the line still holds, and the positions of gains and noise: sample n gets the same
             however the stream is cut into chunks. Where samples are missing in the stream, the line runs empty.
    Source:  3GPP TR 38.901, sections 7.7.2 and 7.7.3.
    Example: ``channel: {use: channels/tdl_samples, profile: C, delay_spread_ns: 300, doppler_hz: 30, snr_db: 20}``
    """

    class Params(BlockParams):
        """Parameters."""

        profile: Literal["A", "B", "C", "D", "E"] = Field("C", description="Table of TR 38.901; D, E: line of sight.")
        delay_spread_ns: float = Field(300.0, ge=0, le=1e6, description="Root-mean-square delay spread in ns.")
        doppler_hz: float = Field(30.0, ge=0, description="Greatest Doppler shift in Hz: speed times carrier over c.")
        snr_db: Live[float | None] = Field(
            None, ge=-60, le=100, description="SNR per sample in dB, for unit mean power; null for no noise."
        )

    params: Params
    _rate_hz: float | None = None

    def work(self, samples: Samples, stream: Stream) -> Out[Samples]:
        """Filter the samples that are complete, and add their noise."""
        parts = []
        if self._rate_hz is None:
            self._begin(stream)
        elif stream.sample_rate_hz != self._rate_hz:
            raise SignalError(
                f"channels/tdl_samples: expected {self._rate_hz:g} Hz as before, got {stream.sample_rate_hz:g} Hz"
            )
        elif stream.offset != self._next:
            parts.append(self._filter(np.zeros(LEAD, np.complex64)))
            self._empty(stream.offset)
        parts.append(self._filter(samples))
        return Out(np.concatenate(parts), sample_rate_hz=self._rate_hz)

    def finish(self, run: RunContext) -> Iterator[Out[Samples]] | None:
        """Give what waits for samples that will not come."""
        if self._rate_hz is None:
            return None
        return iter([Out(self._filter(np.zeros(LEAD, np.complex64)), sample_rate_hz=self._rate_hz)])

    def _begin(self, stream: Stream) -> None:
        p = self.params
        rate = stream.sample_rate_hz
        if p.doppler_hz * _KNOTS_PER_CYCLE > rate:
            raise SignalError(
                f"channels/tdl_samples: expected a doppler_hz of at most a 128th of the sample rate {rate:g} Hz, got "
                f"{p.doppler_hz:g} Hz"
            )
        self._taps = tdl_taps(p.profile, p.delay_spread_ns * 1e-9)
        self._weights = delay_weights(self._taps.delays_s * rate)
        rng = self.rng()
        self._angles, self._phases = rng.random((2, self._taps.energies.size, SINUSOIDS))
        self._los_phase = rng.random(1)
        self._step = int(rate // (_KNOTS_PER_CYCLE * p.doppler_hz)) if p.doppler_hz else 1 << 40
        self._noise = CounterNoise(self.stream_key())
        self._raster: tuple[int, NDArray[np.complex64]] = (-1, np.empty((0, 0), np.complex64))
        self._rate_hz = rate
        self._empty(stream.offset)

    def _empty(self, offset: int) -> None:
        self._history = np.zeros(self._weights.shape[1] - 1, np.complex64)
        self._first = self._next = offset

    def _filter(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Push samples into the line; return the outputs that they complete."""
        line = np.concatenate([self._history, samples])
        skipped = min(max(self._first - (self._next - LEAD), 0), samples.size)  # before the first sample there is none
        start = max(self._next - LEAD, self._first)
        self._next += samples.size
        self._history = line[samples.size :]
        line = line[skipped:]
        out = np.empty(samples.size - skipped, np.complex64)
        done = 0
        length = self._weights.shape[1]
        while done < out.size:
            at = start + done
            here = min(out.size - done, max(_PIECE // length, 1), _KNOTS * self._step - at % (_KNOTS * self._step))
            out[done : done + here] = tapped_delay_line(
                line[done : done + here + length - 1], self._coefficients(at, here)
            )
            done += here
        if self.params.snr_db is None:
            return out
        return awgn(out, self._noise.complex_normal(start, out.size), 10.0 ** (-self.params.snr_db / 10))

    def _coefficients(self, at: int, count: int) -> NDArray[np.complex64]:
        """Filter coefficients of samples that lie within one block of knots, ``[M, count]``, or ``[M, 1]``."""
        block, inside = divmod(at, _KNOTS * self._step)
        if self._raster[0] != block:
            knots = np.arange(_KNOTS + 1, dtype=np.float64) + block * _KNOTS
            times_s = knots * (self._step / self._rate_hz if self.params.doppler_hz else 0.0)  # type: ignore[operator]
            gains = tap_gains(
                self._taps, times_s, self._angles, self._phases, self._los_phase, doppler_hz=self.params.doppler_hz
            )
            self._raster = (block, product(self._weights.T, gains).astype(np.complex64))
        knots_here = self._raster[1]
        if not self.params.doppler_hz:
            return knots_here[:, :1]
        number, rest = np.divmod(np.arange(inside, inside + count), self._step)
        share = (rest / self._step).astype(np.float32)
        before = knots_here[:, number]
        return np.asarray(before + (knots_here[:, number + 1] - before) * share)
