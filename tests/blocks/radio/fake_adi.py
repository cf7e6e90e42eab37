"""A module like pyadi-iio with one Pluto, for tests: what it receives is a ramp, what it transmits is kept.

Names and behaviour are those of pyadi-iio 0.0.21: buffers of one size to transmit, codes of 12 bits to receive.
"""

from __future__ import annotations

import errno
import time
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np


class Pluto:
    """Takes rates that are whole kHz, receives sample n as code n, and does as ``script`` says: errors in place of it.

    Attributes of the class: ``script`` (numbers of errors, first ones first; 0 for none), ``status`` (what the register
    of the data path says, first ones first), ``made`` (the last device), ``takes`` (whether it takes buffers).
    """

    script: ClassVar[list[int]] = []
    status: ClassVar[list[int]] = []
    takes = True
    made: Pluto

    def __init__(self, uri: str = "") -> None:
        if "nope" in uri:
            raise Exception("No device found")
        type(self).made = self
        self.set: dict[str, Any] = {}
        self.sent: list[np.ndarray] = []
        self.registers: list[tuple[int, int]] = []
        self.received = 0
        self.closed: list[str] = []
        self._rxadc = self._txdac = SimpleNamespace(reg_read=self._read, reg_write=self._write)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith(("rx_", "tx_", "gain_control")):
            self.set[name] = value
        object.__setattr__(self, name, round(value / 1000) * 1000 if name == "sample_rate" else value)

    def _read(self, register: int) -> int:
        assert register == 0x80000088
        return self.status.pop(0) if self.status else 0

    def _write(self, register: int, value: int) -> None:
        self.registers.append((register, value))

    def _fail(self) -> None:
        code = self.script.pop(0) if self.script else 0
        if code == errno.ETIMEDOUT:
            time.sleep(0.05)
        if code:
            raise OSError(code, "made up")

    def rx(self) -> np.ndarray:
        self._fail()
        size = self.set["rx_buffer_size"]
        codes = np.arange(self.received, self.received + size) % 2048
        self.received += size
        return codes - 1j * codes

    def tx(self, data: np.ndarray) -> None:
        self._fail()
        if not self.takes:
            time.sleep(0.05)
            raise OSError(errno.ETIMEDOUT, "made up")
        if self.sent and data.size != self.sent[0].size:
            raise Exception("Buffer length different than data length. Cannot change buffer length on the fly")
        codes = np.stack([data.real, data.imag]).astype(np.int16)  # as pyadi-iio does
        self.sent.append(codes[0] + 1j * codes[1])

    def rx_destroy_buffer(self) -> None:
        self.closed.append("rx")

    def tx_destroy_buffer(self) -> None:
        self.closed.append("tx")
