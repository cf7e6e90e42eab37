"""`radio/pluto_sink`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from ...sim.level import drive, finite
from ..block import Block, RunContext
from ..envelope import Stream
from ..params import Live
from ..ports import Samples
from ._delivery import check_rate
from ._pluto import KERNEL_BUFFERS, PlutoDevice, PlutoParams

__all__ = ["PlutoSink"]


class PlutoSink(Block):
    r"""Transmits samples with an ADALM-Pluto.

    .. math:: y = \mathrm{clip}(10^{s/20}\, x), \quad |\mathrm{Re}\, y|, |\mathrm{Im}\, y| \le 10^{-h/20}

    The device takes buffers of one size. What is left behind a chunk that ends in silence is sent at once, with more
    silence; else it waits for the next chunk. Mind what you may transmit: connect a cable with attenuators, or have a
    licence for band and power.

    Input:   samples: complex64 ``[n]``; I and Q from -1 to 1 after ``scale_db``. What is not a number becomes 0.
    Raises:  MissingExtra: pyadi-iio is not installed. RunError: no such device, or it fails. SignalError: it has not
             the sample rate, or the stream has another.
    State:   the device, less than a buffer of samples, and counts: ``sent_samples``, ``lost_samples``, ``underflows``
             (it ran dry), ``clipped_samples``, ``non_finite_samples``.
    Example: ``tx: {use: radio/pluto_sink, uri: "ip:192.168.2.1", frequency_hz: 2.45e9, gain_db: -40}``
    """

    class Params(PlutoParams):
        """Parameters."""

        gain_db: Live[float] = Field(-40.0, ge=-89.75, le=0, description="Of the device in dB; 0 is the most.")
        scale_db: Live[float] = Field(-18.0, ge=-200, le=200, description="Gain before the converter, in dB.")
        headroom_db: float = Field(0.0, ge=0, le=100, description="I and Q are clipped so far below 1, in dB.")

    params: Params

    def start(self) -> None:
        """Open and tune the device."""
        self._device = PlutoDevice("radio/pluto_sink", "transmit", self.params)
        self._rest = np.empty(0, np.complex64)

    def work(self, samples: Samples, stream: Stream) -> None:
        """Transmit one chunk, in whole buffers."""
        p = self.params
        check_rate(stream.sample_rate_hz, p.sample_rate_hz)
        self._device.set_gain(p.gain_db)
        samples, nonfinite = finite(samples)
        samples, clipped = drive(samples, p.scale_db, p.headroom_db)
        self.count(clipped_samples=clipped, non_finite_samples=nonfinite)
        self._send(np.concatenate([self._rest, samples]))
        if samples.size and samples[-1] == 0:
            self._send_rest()

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Send what is left, wait until it has gone, and give the device back."""
        self._send_rest()
        silence = np.zeros(self.params.buffer, np.complex64)
        for _ in range(0 if self.stopping else KERNEL_BUFFERS):  # each waits for room: then what was before has gone
            self._device.write(silence)
        self._device.close()
        return None

    def _send(self, samples: Samples) -> None:
        size = self.params.buffer
        whole = samples.size // size * size
        self._rest = samples[whole:]
        for buffer in samples[:whole].reshape(-1, size):
            taken = self._device.write(buffer)
            while not (taken or self.stopping):
                taken = self._device.write(buffer)
            self.count(
                **{"sent_samples" if taken else "lost_samples": size, "underflows": int(self._device.ran_over())}
            )

    def _send_rest(self) -> None:
        """Send what does not fill a buffer, with silence behind it."""
        if missing := -self._rest.size % self.params.buffer:
            self._send(np.concatenate([self._rest, np.zeros(missing, np.complex64)]))
