"""`radio/soapy_source`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...sim.level import finite
from ..block import Block
from ..envelope import Annotation, Out
from ..ports import Samples
from ._position import Position
from ._soapy import SoapyParams, SoapyStream

__all__ = ["SoapySource"]


class SoapySource(Block):
    r"""Receives samples from a radio that SoapySDR knows: USRP, Pluto, LimeSDR, RTL-SDR and others.

    .. math:: x[n] \in \mathbb{C}, \quad |\mathrm{Re}\, x|, |\mathrm{Im}\, x| \le 1

    The device's own gain control is switched off. Where the device tells the time of its samples, an overflow becomes a
    gap of as many samples as were lost; where it does not, the first sample behind it has the annotation ``overflow``.

    Output:  complex64 ``[n]``, at most one packet of the device each.
    Raises:  UsageError: SoapySDR is not installed. RunError: no such device, or it fails. SignalError: it has not the
             sample rate.
    State:   the device, the number of the next sample, and counts: ``overflows``, ``lost_samples``,
             ``non_finite_samples``.
    Example: ``rx: {use: radio/soapy_source, device: "driver=plutosdr", frequency_hz: 915e6, gain_db: 40}``
    """

    class Params(SoapyParams):
        """Parameters."""

    params: Params

    def start(self) -> None:
        """Open and tune the device."""
        self._stream = SoapyStream("radio/soapy_source", "receive", self.params)

    def work(self) -> Iterator[Out[Samples] | None]:
        """Yield what the device gives; None where it gives nothing."""
        self._position: Position = self.heritage.setdefault("position", Position())  # a swap leaves no hole
        self._began_ns: int | None = None  # the time of sample 0
        self._overflown = False
        try:
            while True:
                yield self._read()
        finally:
            self._stream.close()

    def _read(self) -> Out[Samples] | None:
        self._stream.set_gain(self.params.gain_db)
        buffer = np.empty(self._stream.chunk, np.complex64)
        count, time_ns = self._stream.read(buffer)
        if count < 0:
            self._overflown = True
            self.count(overflows=1)
        if count <= 0:
            return None
        samples, nonfinite = finite(buffer[:count])
        offset, notes = self._place(time_ns)
        self._position.next = offset + count
        self.count(non_finite_samples=nonfinite)
        return Out(samples, offset=offset, annotations=notes, sample_rate_hz=self.params.sample_rate_hz)

    def _place(self, time_ns: int | None) -> tuple[int, tuple[Annotation, ...]]:
        """Where a chunk lies: behind an overflow by its time, else right behind the one before."""
        rate_hz, offset, overflown = self.params.sample_rate_hz, self._position.next, self._overflown
        self._overflown = False
        if time_ns is None:
            return offset, (Annotation(0, "overflow"),) if overflown else ()
        if self._began_ns is None:
            self._began_ns = time_ns - round(offset / rate_hz * 1e9)
        if overflown:
            offset = max(offset, round((time_ns - self._began_ns) * 1e-9 * rate_hz))
            self.count(lost_samples=offset - self._position.next)
        return offset, ()
