"""One stream of a device behind SoapySDR: opened, tuned, checked, read or written, and given back."""

from __future__ import annotations

import importlib
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import RunError, SignalError, UsageError
from ..params import BlockParams, Live
from ._socket import WAIT_MS

__all__ = ["SoapyParams", "SoapyStream"]

RATE_TOLERANCE: Final = 1e-6
FIXED: Final = False  # the device's own gain control


class SoapyParams(BlockParams):
    """Parameters of both directions."""

    device: str = Field("", description="SoapySDR's arguments, driver=plutosdr or driver=uhd,serial=...; first found.")
    channel: int = Field(0, ge=0, description="Of the device.")
    sample_rate_hz: float = Field(1e6, gt=0, description="Of the device in Hz.")
    frequency_hz: float = Field(915e6, gt=0, description="Centre frequency in Hz.")
    gain_db: Live[float] = Field(0.0, ge=-100, le=200, description="Of the device in dB; its own control is off.")
    bandwidth_hz: float | None = Field(None, gt=0, description="Of the device's filter in Hz; null for its own choice.")
    antenna: str = Field("", description="Its name; empty for the device's own choice.")


class SoapyStream:
    """A stream of complex float samples.

    Args:
        block: Who uses it, for messages.
        direction: Which way.
        params: Of the block.

    Raises:
        UsageError: SoapySDR is not installed.
        RunError: there is no such device or channel, or it does not do what is asked.
        SignalError: it runs at another sample rate.
    """

    def __init__(self, block: str, direction: Literal["receive", "transmit"], params: SoapyParams) -> None:
        try:
            self._soapy: Any = importlib.import_module("SoapySDR")
        except ImportError:
            raise UsageError(
                f"{block} needs SoapySDR, which pip does not have: apt-get install python3-soapysdr, and an "
                "environment with --system-site-packages"
            ) from None
        self._where = f"device '{params.device or 'first found'}'"
        self._way = self._soapy.SOAPY_SDR_RX if direction == "receive" else self._soapy.SOAPY_SDR_TX
        self._channel = params.channel
        try:
            self._device = self._soapy.Device(params.device)
            self._tune(params)
            self._stream = self._device.setupStream(self._way, self._soapy.SOAPY_SDR_CF32, [params.channel])
            self.chunk = int(self._device.getStreamMTU(self._stream)) or 1 << 13
        except RuntimeError as error:
            raise RunError(f"{self._where}: {error}; `SoapySDRUtil --find` lists what there is") from None
        self._active = False

    def _tune(self, params: SoapyParams) -> None:
        device, way, channel = self._device, self._way, self._channel
        device.setSampleRate(way, channel, params.sample_rate_hz)
        rate_hz = device.getSampleRate(way, channel)  # 0 where a device does not say
        if rate_hz and abs(rate_hz - params.sample_rate_hz) > RATE_TOLERANCE * params.sample_rate_hz:
            raise SignalError(
                f"{self._where}: expected a sample rate of {params.sample_rate_hz:.10g} Hz, got {rate_hz:.10g} Hz, the "
                "nearest that it has; set sample_rate_hz to it, and put radio/resample beside"
            )
        device.setFrequency(way, channel, params.frequency_hz)
        if device.hasGainMode(way, channel):
            device.setGainMode(way, channel, FIXED)  # a gain that changes within a burst spoils it
        device.setGain(way, channel, params.gain_db)
        self._gain_db = params.gain_db
        if params.bandwidth_hz is not None:
            device.setBandwidth(way, channel, params.bandwidth_hz)
        if params.antenna:
            device.setAntenna(way, channel, params.antenna)

    def set_gain(self, gain_db: float) -> None:
        """Change the gain, if it is another."""
        if gain_db != self._gain_db:
            self._device.setGain(self._way, self._channel, gain_db)
            self._gain_db = gain_db

    def read(self, into: NDArray[np.complex64]) -> tuple[int, int | None]:
        """Read samples; return how many, and their time in ns where the device says it.

        None came: 0. Some were lost before: -1.
        """
        self._activate()
        result = self._device.readStream(self._stream, [into], into.size, 0, 1000 * WAIT_MS)
        if result.ret == self._soapy.SOAPY_SDR_OVERFLOW:
            return -1, None
        return self._count(result.ret), result.timeNs if result.flags & self._soapy.SOAPY_SDR_HAS_TIME else None

    def write(self, samples: NDArray[np.complex64], wait_ms: int) -> int:
        """Write samples; return how many were taken within this time."""
        self._activate()
        result = self._device.writeStream(self._stream, [samples], samples.size, 0, 0, 1000 * wait_ms)
        return 0 if result.ret == self._soapy.SOAPY_SDR_UNDERFLOW else self._count(result.ret)

    def underflows(self) -> int:
        """Return how often the device ran dry since the last call."""
        count = 0
        while self._device.readStreamStatus(self._stream, 0).ret == self._soapy.SOAPY_SDR_UNDERFLOW:
            count += 1
        return count

    def _activate(self) -> None:
        if not self._active:
            self._count(self._device.activateStream(self._stream))
            self._active = True

    def _count(self, result: int) -> int:
        if result == self._soapy.SOAPY_SDR_TIMEOUT:
            return 0
        if result < 0:
            raise RunError(f"{self._where}: {self._soapy.errToStr(result)}; see what it says on standard error")
        return result

    def close(self) -> None:
        """Give the device back; what it was given is sent first."""
        if self._active:
            self._device.deactivateStream(self._stream)
            self._active = False
        self._device.closeStream(self._stream)
        self._device = None
