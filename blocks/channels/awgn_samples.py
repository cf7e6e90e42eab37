"""`channels/awgn_samples`."""

from __future__ import annotations

import math
from fractions import Fraction

from pydantic import Field, model_validator

from ...models.ratio import Ratio
from ...sim.channels.awgn import awgn
from ...sim.noise import CounterNoise
from ..block import Block
from ..envelope import Stream
from ..params import BlockParams, Live
from ..ports import Samples

__all__ = ["AwgnSamples"]

_DEFAULT_SNR_DB = 10.0


class AwgnSamples(Block):
    r"""Adds circularly symmetric complex Gaussian noise to a stream of samples.

    .. math:: y[n] = x[n] + w[n], \quad w[n] \sim \mathcal{CN}(0, 10^{-\mathrm{snr\_db}/10}), \quad
        \mathrm{snr\_db} = \mathrm{esn0\_db} - 10 \log_{10} M

    The SNR is per sample, for a signal of unit mean power. Where symbols take M samples each, their energy is that of M
    samples, and Es/N0 is M times the SNR. OFDM puts the power of N carriers into the K used ones: M is N / K.

    Input:   samples: complex64 ``[n]``, a chunk of a stream of unit mean power.
    Output:  complex64 ``[n]``, the same chunk with noise.
    State:   the position of the noise generator; sample n gets the same noise however the stream is cut into chunks.
    Source:  Proakis & Salehi, Digital Communications, 5th ed., section 2.9.
    Example: ``channel: {use: channels/awgn_samples, snr_db: 10}``
    """

    class Params(BlockParams):
        """Parameters."""

        snr_db: Live[float | None] = Field(
            None, ge=-60, le=100, description="SNR per sample in dB, for unit mean power; null: that of esn0_db, or 10."
        )
        esn0_db: Live[float | None] = Field(None, ge=-60, le=100, description="Es/N0 in dB, in place of snr_db.")
        samples_per_symbol: Ratio = Field(
            1.0, description="M, at least 1; of OFDM all carriers over the used ones, such as 64/52."
        )

        @model_validator(mode="after")
        def _fits(self) -> AwgnSamples.Params:
            if self.snr_db is not None and self.esn0_db is not None:
                raise ValueError(f"expected snr_db or esn0_db, got both, {self.snr_db:g} and {self.esn0_db:g}")
            if Fraction(self.samples_per_symbol) < 1:
                raise ValueError(f"expected at least 1 sample a symbol, got {self.samples_per_symbol}")
            return self

        @property
        def noise_db(self) -> float:
            """SNR per sample in dB."""
            if self.esn0_db is not None:
                return self.esn0_db - 10 * math.log10(Fraction(self.samples_per_symbol))
            return _DEFAULT_SNR_DB if self.snr_db is None else self.snr_db

    params: Params
    _noise: CounterNoise | None = None

    def work(self, samples: Samples, stream: Stream) -> Samples:
        """Add the noise that belongs to these samples."""
        if self._noise is None:
            self._noise = CounterNoise(self.stream_key())
        n0 = 10.0 ** (-self.params.noise_db / 10)
        return awgn(samples, self._noise.complex_normal(stream.offset, samples.size), n0)
