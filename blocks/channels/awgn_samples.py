"""`channels/awgn_samples`."""

from __future__ import annotations

from pydantic import Field

from ...sim.channels.awgn import awgn
from ...sim.noise import CounterNoise
from ..block import Block
from ..envelope import Stream
from ..params import BlockParams, Live
from ..ports import Samples

__all__ = ["AwgnSamples"]


class AwgnSamples(Block):
    r"""Adds circularly symmetric complex Gaussian noise to a stream of samples.

    .. math:: y[n] = x[n] + w[n], \quad w[n] \sim \mathcal{CN}(0, 10^{-\mathrm{snr\_db}/10})

    The SNR is per sample, for a signal of unit mean power: it differs from Es/N0 by the oversampling.

    Input:   samples: complex64 ``[n]``, a chunk of a stream of unit mean power.
    Output:  complex64 ``[n]``, the same chunk with noise.
    State:   the position of the noise generator; sample n gets the same noise however the stream is cut into chunks.
    Source:  Proakis & Salehi, Digital Communications, 5th ed., section 2.9.
    Example: ``channel: {use: channels/awgn_samples, snr_db: 10}``
    """

    class Params(BlockParams):
        """Parameters."""

        snr_db: Live[float] = Field(10.0, ge=-60, le=100, description="SNR per sample in dB, for unit mean power.")

    params: Params
    _noise: CounterNoise | None = None

    def work(self, samples: Samples, stream: Stream) -> Samples:
        """Add the noise that belongs to these samples."""
        if self._noise is None:
            self._noise = CounterNoise(self.stream_key())
        return awgn(
            samples, self._noise.complex_normal(stream.offset, samples.size), 10.0 ** (-self.params.snr_db / 10)
        )
