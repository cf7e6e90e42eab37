"""`radio/pluto_source`."""

from __future__ import annotations

from collections.abc import Iterator

from ..block import Block
from ..envelope import Annotation, Out
from ..ports import Samples
from ._pluto import PlutoDevice, PlutoParams

__all__ = ["PlutoSource"]


class PlutoSource(Block):
    r"""Receives samples with an ADALM-Pluto.

    .. math:: x[n] = (I_n + j Q_n) / 2048

    An overflow is noticed, and how many samples it cost is not known: the next chunk is annotated ``overflow``, and the
    burst in which it lies ends as one with a hole.

    Output:  complex64 ``[buffer]``, I and Q from -1 to 1.
    Raises:  MissingExtra: pyadi-iio is not installed. RunError: no such device, or it fails. SignalError: it has not
             the sample rate.
    State:   the device, and counts: ``overflows``.
    Example: ``rx: {use: radio/pluto_source, uri: "ip:192.168.2.1", frequency_hz: 2.45e9, gain_db: 30}``
    """

    class Params(PlutoParams):
        """Parameters."""

    params: Params

    def start(self) -> None:
        """Open and tune the device."""
        self._device = PlutoDevice("radio/pluto_source", "receive", self.params)

    def work(self) -> Iterator[Out[Samples] | None]:
        """Yield what the device gives; None where it gives nothing."""
        try:
            while True:
                self._device.set_gain(self.params.gain_db)
                samples = self._device.read()
                overflown = self._device.ran_over()
                self.count(overflows=int(overflown))
                notes = (Annotation(0, "overflow"),) if overflown else ()
                rate_hz = self.params.sample_rate_hz
                yield None if samples is None else Out(samples, annotations=notes, sample_rate_hz=rate_hz)
        finally:
            self._device.close()
