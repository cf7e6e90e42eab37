"""`radio/soapy_sink`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from ...sim.level import drive, finite
from ..block import Block, RunContext
from ..envelope import Stream
from ..params import Live
from ..ports import Samples
from ._delivery import Grace, check_rate
from ._soapy import SoapyParams, SoapyStream

__all__ = ["SoapySink"]


class SoapySink(Block):
    r"""Transmits samples with a radio that SoapySDR knows: USRP, Pluto, LimeSDR and others.

    .. math:: y = \mathrm{clip}(10^{s/20}\, x), \quad |\mathrm{Re}\, y|, |\mathrm{Im}\, y| \le 10^{-h/20}

    Mind what you may transmit: connect a cable with attenuators, or have a licence for band and power.

    Input:   samples: complex64 ``[n]``; I and Q from -1 to 1 after ``scale_db``. What is not a number becomes 0.
    Raises:  UsageError: SoapySDR is not installed. RunError: no such device, or it fails. SignalError: it has not the
             sample rate, or the stream has another.
    State:   the device, and counts: ``sent_samples``, ``lost_samples``, ``underflows`` (it ran dry),
             ``clipped_samples``, ``non_finite_samples``.
    Example: ``tx: {use: radio/soapy_sink, device: "driver=plutosdr", frequency_hz: 915e6, gain_db: -20}``
    """

    class Params(SoapyParams):
        """Parameters."""

        scale_db: Live[float] = Field(-12.0, ge=-200, le=200, description="Gain before the converter, in dB.")
        headroom_db: float = Field(0.0, ge=0, le=100, description="I and Q are clipped so far below 1, in dB.")

    params: Params

    def start(self) -> None:
        """Open and tune the device."""
        self._stream = SoapyStream("radio/soapy_sink", "transmit", self.params)
        self._grace = Grace()

    def work(self, samples: Samples, stream: Stream) -> None:
        """Transmit one chunk."""
        p = self.params
        check_rate(stream.sample_rate_hz, p.sample_rate_hz)
        self._stream.set_gain(p.gain_db)
        samples, nonfinite = finite(samples)
        samples, clipped = drive(samples, p.scale_db, p.headroom_db)
        at = 0
        while at < samples.size:
            wait_ms = self._grace.wait_ms(stopping=self.stopping)
            taken = self._stream.write(samples[at : at + self._stream.chunk], wait_ms)
            at += taken
            if not taken and self._grace.over(stopping=self.stopping):
                break
        self.count(
            sent_samples=at,
            lost_samples=samples.size - at,
            underflows=self._stream.underflows(),
            clipped_samples=clipped,
            non_finite_samples=nonfinite,
        )

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Give the device back."""
        self._stream.close()
        return None
