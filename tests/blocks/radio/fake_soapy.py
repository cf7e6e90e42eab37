"""A module like SoapySDR with one device, for tests: what it receives is a ramp, what it transmits is kept."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

SOAPY_SDR_TX, SOAPY_SDR_RX = 0, 1
SOAPY_SDR_CF32 = "CF32"
SOAPY_SDR_HAS_TIME = 4
SOAPY_SDR_TIMEOUT, SOAPY_SDR_STREAM_ERROR, SOAPY_SDR_OVERFLOW, SOAPY_SDR_UNDERFLOW = -1, -2, -4, -7
PACKET = 1000


def errToStr(code: int) -> str:
    return {-2: "STREAM_ERROR"}.get(code, str(code))


class Device:
    """Takes rates that are whole, receives sample n as n, and does as ``script`` says: codes in place of samples.

    Attributes of the class: ``script`` (codes, first ones first; a number above 0 loses so many samples after an
    overflow), ``has_time``, ``made`` (the last device), ``takes`` (samples that a write takes at most).
    """

    script: ClassVar[list[int]] = []
    has_time = True
    takes = PACKET
    made: Device

    def __init__(self, args: str) -> None:
        if "nope" in args:
            raise RuntimeError("SoapySDR::Device::make() no match")
        type(self).made = self
        self.calls: dict[str, Any] = {}
        self.sent: list[np.ndarray] = []
        self.status: list[int] = []
        self.received = 0
        self.active = self.closed = False

    def setSampleRate(self, way: int, channel: int, rate: float) -> None:
        self.rate = float(round(rate / 1000) * 1000)

    def getSampleRate(self, way: int, channel: int) -> float:
        return self.rate

    def hasGainMode(self, way: int, channel: int) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("set"):
            raise AttributeError(name)
        return lambda way, channel, value: self.calls.__setitem__(name, value)

    def setupStream(self, way: int, form: str, channels: list[int]) -> object:
        assert form == SOAPY_SDR_CF32
        return object()

    def getStreamMTU(self, stream: object) -> int:
        return PACKET

    def activateStream(self, stream: object) -> int:
        self.active = True
        return 0

    def deactivateStream(self, stream: object) -> int:
        self.active = False
        return 0

    def closeStream(self, stream: object) -> None:
        self.closed = True

    def readStream(self, stream: object, buffers: list[np.ndarray], count: int, flags: int, timeout_us: int) -> Any:
        code = self.script.pop(0) if self.script else 0
        if code > 0:
            self.received += code
            code = SOAPY_SDR_OVERFLOW
        if code < 0:
            time.sleep(timeout_us * 1e-6 if code == SOAPY_SDR_TIMEOUT else 0)
            return SimpleNamespace(ret=code, flags=0, timeNs=0)
        time_ns = 5_000_000_000 + round(self.received / self.rate * 1e9)
        buffers[0][:count] = np.arange(self.received, self.received + count)
        self.received += count
        return SimpleNamespace(ret=count, flags=SOAPY_SDR_HAS_TIME if self.has_time else 0, timeNs=time_ns)

    def writeStream(
        self, stream: object, buffers: list[np.ndarray], count: int, flags: int, time_ns: int, timeout_us: int
    ) -> Any:
        code = self.script.pop(0) if self.script else 0
        if not self.takes:
            time.sleep(timeout_us * 1e-6)
            code = SOAPY_SDR_TIMEOUT
        taken = min(count, self.takes)
        if not code:
            self.sent.append(buffers[0][:taken].copy())
        return SimpleNamespace(ret=code or taken)

    def readStreamStatus(self, stream: object, timeout_us: int) -> Any:
        return SimpleNamespace(ret=self.status.pop(0) if self.status else SOAPY_SDR_TIMEOUT)
