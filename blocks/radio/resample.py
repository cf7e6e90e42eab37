"""`radio/resample`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from ...sim.resampler import Resampler, rate_ratio
from ..block import Block, RunContext
from ..envelope import Out, Stream
from ..params import BlockParams
from ..ports import Samples

__all__ = ["Resample"]


class Resample(Block):
    r"""Brings samples to another rate.

    .. math:: y[m] = \sum_i x[i]\, h[m \cdot \mathrm{down} - i \cdot \mathrm{up}]

    The filter passes 0.8 of the smaller Nyquist frequency and holds images and aliases 70 dB down. Its delay is made up
    for, so what was said of a place in the stream stays there. Behind a gap it begins anew.

    Input:   samples: complex64 ``[n]``.
    Output:  complex64, ``up / down`` times as many; at the end what the filter holds back.
    Raises:  SignalError: the rates are not in the ratio of two whole numbers up to 4096.
    State:   as many samples as the filter is long. Chunks change no bit.
    Source:  `scipy.signal.upfirdn`; Crochiere and Rabiner, Multirate Digital Signal Processing, 1983, section 2.3.
    Example: ``fit: {use: radio/resample, sample_rate_hz: 1.5e6}``
    """

    class Params(BlockParams):
        """Parameters."""

        sample_rate_hz: float = Field(1e6, gt=0, description="Rate of what goes out in Hz.")

    params: Params

    def start(self) -> None:
        """Begin with no stream."""
        self._resampler: Resampler | None = None
        self._rate_hz = 0.0

    def work(self, samples: Samples, stream: Stream) -> Out[Samples] | None:
        """Resample one chunk."""
        offset = None
        if self._resampler is None or stream.sample_rate_hz != self._rate_hz:
            self._rate_hz = stream.sample_rate_hz
            self._resampler = Resampler(rate_ratio(self._rate_hz, self.params.sample_rate_hz))
        elif stream.gap_samples:
            self._resampler.reset()
            offset = -(-stream.offset * self._resampler.up // self._resampler.down)
        made = self._resampler.push(samples)
        return Out(made, sample_rate_hz=self.params.sample_rate_hz, offset=offset)

    def finish(self, run: RunContext) -> Iterator[Out[Samples]] | None:
        """Give what the filter holds back."""
        if self._resampler is None:
            return None
        return iter([Out(self._resampler.flush(), sample_rate_hz=self.params.sample_rate_hz)])
