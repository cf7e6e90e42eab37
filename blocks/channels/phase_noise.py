"""`channels/phase_noise`."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.channels.phase_noise import StreamPhase, common_phase, rotate, stationary_phase, wiener_phase
from ...sim.noise import CounterNoise
from ..block import Block
from ..envelope import Identity, Stream
from ..params import BlockParams, Live
from ..ports import Samples, Symbols

__all__ = ["PhaseNoise"]


class PhaseNoise(Block):
    r"""Phase noise of an oscillator: free-running, or held by a loop.

    .. math:: y[n] = x[n]\, e^{j \varphi[n]}, \quad
        \text{wiener: } \operatorname{var} \varphi[n] = 2 \pi \beta T n, \quad
        \text{stationary: } E[\varphi[n]\, \varphi[n+k]] = \sigma^2 e^{-2 \pi B T |k|}

    with linewidth :math:`\beta`, loop bandwidth B, :math:`\sigma` = rms_deg and T = 1 / symbol_rate_hz. A random walk
    starts at zero at the first symbol of each frame. ``tracking: ideal`` takes off the phase that is common to each
    block of ``tracking_symbols``, known perfectly; what moves within a block stays. On samples the phase goes on
    through the stream, at its rate, and nothing tracks it. An impairment without noise of its own: ``channels/cascade``
    joins it with ``channels/awgn``.

    Input:   symbols: complex64 ``[n]``, a frame; or a chunk of samples.
    Output:  complex64 ``[n]``; the receiver's state passes through.
    Raises:  SignalError: tracking of samples.
    State:   of frames none: the phase of an item depends on the run's seed, the block's name and the item's number; of
             samples the last phase: sample n has the same however the stream is cut.
    Source:  Demir, Mehrotra & Roychowdhury, Phase noise in oscillators, IEEE Trans. Circuits Syst. I 47(5), 2000.
    Example: ``channel: {use: channels/phase_noise, model: stationary, rms_deg: 2, bandwidth_hz: 10e3}``
    """

    class Params(BlockParams):
        """Parameters."""

        model: Literal["wiener", "stationary"] = Field(
            "stationary", description="wiener: a free-running oscillator; stationary: what a locked loop leaves."
        )
        symbol_rate_hz: float = Field(
            1e6, gt=0, le=1e12, description="Symbols a second, in Hz; a stream of samples has a rate of its own."
        )
        linewidth_hz: Live[float] = Field(
            10.0, ge=0, le=1e12, description="wiener: two-sided 3 dB linewidth of the Lorentzian spectrum, in Hz."
        )
        rms_deg: Live[float] = Field(2.0, ge=0, le=360, description="stationary: rms phase in degrees.")
        bandwidth_hz: float = Field(
            10e3, ge=0, le=1e12, description="stationary: bandwidth of the loop, in Hz; 0 keeps the phase over a frame."
        )
        tracking: Literal["none", "ideal"] = Field(
            "none", description="ideal: the phase common to each block is known and taken off."
        )
        tracking_symbols: int | None = Field(
            None, ge=1, description="Symbols of a block of the tracking; null: the whole frame."
        )

    params: Params

    _phase: StreamPhase | None = None

    def work(self, symbols: Symbols | Samples, identity: Identity, stream: Stream | None = None) -> Symbols | Samples:
        """Turn this item's symbols, or these samples."""
        signal: NDArray[np.complex64] = symbols
        phase = self._of_frame(signal.size, identity) if stream is None else self._of_stream(signal.size, stream)
        turned: NDArray[np.complex64] = rotate(signal, phase)
        return turned

    def _of_frame(self, count: int, identity: Identity) -> NDArray[np.float64]:
        p = self.params
        normals = self.rng(identity).standard_normal(count)
        if p.model == "wiener":
            phase = wiener_phase(normals, p.linewidth_hz / p.symbol_rate_hz)
        else:
            phase = stationary_phase(normals, math.radians(p.rms_deg), self._correlation(p.symbol_rate_hz))
        if p.tracking == "ideal":
            phase = phase - common_phase(phase, p.tracking_symbols)
        return np.asarray(phase)

    def _correlation(self, rate_hz: float) -> float:
        return math.exp(-2 * math.pi * self.params.bandwidth_hz / rate_hz)

    def _of_stream(self, count: int, stream: Stream) -> NDArray[np.float64]:
        p = self.params
        if p.tracking != "none":
            raise SignalError(
                "channels/phase_noise: tracking: expected none on a stream of samples, which has no blocks of symbols, "
                f"got {p.tracking}; leave it out"
            )
        if self._phase is None:
            self._noise = CounterNoise(self.stream_key())
            if p.model == "wiener":
                self._phase = StreamPhase(1.0, (2 * math.pi * p.linewidth_hz / stream.sample_rate_hz) ** 0.5)
            else:
                self._phase = StreamPhase(self._correlation(stream.sample_rate_hz), math.radians(p.rms_deg))
        drawn = self._noise.complex_normal(stream.offset, count) * np.float32(2**0.5)
        return self._phase.take(drawn.real, stream.gap_samples, float(drawn.imag[0]) if count else 0.0)
