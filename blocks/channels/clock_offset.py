"""`channels/clock_offset`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...sim.channels.clock_offset import sampled_between
from ...sim.channels.tapped_delay_line import LEAD
from ..block import Block, RunContext
from ..envelope import Stream
from ..params import BlockParams
from ..ports import Samples

__all__ = ["ClockOffset"]

_AHEAD = LEAD + 2  # samples of the input that an output needs beyond its time


class ClockOffset(Block):
    r"""Sample clock offset: the sender's clock runs faster than the receiver's, or slower.

    .. math:: y[n] = x\!\left(n\, (1 + \mathrm{ppm} \cdot 10^{-6})\right)

    The stream becomes shorter by ppm where it is above 0. Values between samples are made by a windowed sinc of 18
    samples: exact to -60 dB for a signal within 70 % of the band.

    Input:   samples: complex64 ``[n]``, a chunk of a stream.
    Output:  complex64, the samples that are complete; the last ones when the stream ends.
    State:   the samples that the sinc still needs. Output n is the same however the stream is cut into chunks. Where
             samples are missing in the stream, what lies before them is complete with zeros.
    Source:  Laakso et al., Splitting the unit delay, IEEE Signal Process. Mag. 13(1), 1996.
    Example: ``channel: {use: channels/clock_offset, ppm: 20}``
    """

    class Params(BlockParams):
        """Parameters."""

        ppm: float = Field(20.0, ge=-1000, le=1000, description="Sender's clock against the receiver's, in 1e-6.")

    params: Params
    _begun = False

    def work(self, samples: Samples, stream: Stream) -> Samples:
        """Give the outputs that are complete."""
        parts = []
        if not self._begun:
            self._begin(stream.offset)
        elif stream.gap_samples:
            parts.append(self._complete(np.zeros(_AHEAD, np.complex64), last=stream.offset - stream.gap_samples))
            self._begin(stream.offset)
        parts.append(self._complete(samples))
        return np.concatenate(parts)

    def finish(self, run: RunContext) -> Iterator[Samples] | None:
        """Give what waits for samples that will not come."""
        if not self._begun:
            return None
        return iter([self._complete(np.zeros(_AHEAD, np.complex64), last=self._start + self._kept.size)])

    def _begin(self, offset: int) -> None:
        self._begun = True
        self._kept = np.zeros(LEAD, np.complex64)  # there is nothing before the first sample
        self._start = offset - LEAD  # number of the first sample kept
        self._next = int(np.ceil(offset / self._ratio))  # number of the output that comes next

    @property
    def _ratio(self) -> float:
        return 1 + self.params.ppm * 1e-6

    def _complete(self, samples: NDArray[np.complex64], last: int | None = None) -> NDArray[np.complex64]:
        """Take samples; return the outputs that they complete, those before the sample ``last`` at the most."""
        line = np.concatenate([self._kept, samples])
        limit = self._start + line.size - _AHEAD if last is None else last
        end = max(self._next, int(np.ceil(limit / self._ratio)))
        times = np.arange(self._next, end, dtype=np.float64) * self._ratio
        out = sampled_between(line, times - self._start)
        self._next = end
        drop = max(int(end * self._ratio) - LEAD - self._start, 0)
        self._kept, self._start = line[drop:], self._start + drop
        return out
