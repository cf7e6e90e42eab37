"""One direction of an ADALM-Pluto by Analog Devices' pyadi-iio: opened, tuned, checked, read or written, given back."""

from __future__ import annotations

import contextlib
import errno
import importlib
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import MissingExtra, RunError, SignalError, UsageError
from ..params import BlockParams, Live

__all__ = ["PlutoDevice", "PlutoParams"]

RATE_TOLERANCE: Final = 1e-6
RECEIVED_FULL_SCALE: Final = 2048  # codes of 12 bits
SENT_FULL_SCALE: Final = 32768  # codes of 16 bits, of which the device takes the highest 12
STATUS: Final = 0x80000088  # register of the data path, as GNU Radio's gr-iio reads it
OVERFLOW: Final = 4
UNDERFLOW: Final = 1
KERNEL_BUFFERS: Final = 4  # that libiio holds for a device

Direction = Literal["receive", "transmit"]


class PlutoParams(BlockParams):
    """Parameters of both directions."""

    uri: str = Field("", description="Of the device, ip:192.168.2.1 or usb:1.2.5; empty for ip:pluto.local.")
    sample_rate_hz: float = Field(1e6, ge=521e3, le=61.44e6, description="Of the device in Hz, both directions.")
    frequency_hz: float = Field(2.45e9, ge=47e6, le=6e9, description="Centre frequency in Hz.")
    gain_db: Live[float] = Field(0.0, ge=-89.75, le=77, description="Of the device in dB; to transmit 0 is the most.")
    bandwidth_hz: float | None = Field(None, gt=0, description="Of the analog filter in Hz; null for the sample rate.")
    buffer: int = Field(1 << 14, ge=256, le=1 << 22, description="Samples handed over at a time.")


class PlutoDevice:
    """One direction of a Pluto.

    Args:
        block: Who uses it, for messages.
        direction: Which way.
        params: Of the block.

    Raises:
        MissingExtra: pyadi-iio is not installed. UsageError: libiio is not, or in another version.
        RunError: there is no such device, or it does not do what is asked.
        SignalError: it runs at another sample rate.
    """

    def __init__(self, block: str, direction: Direction, params: PlutoParams) -> None:
        self._where = f"{block}: Pluto '{params.uri or 'ip:pluto.local'}'"
        self._receives = direction == "receive"
        try:
            adi: Any = importlib.import_module("adi")
        except ImportError as error:
            raise MissingExtra(block, error.name or "adi", "pluto") from None
        except OSError as error:  # the Python package finds no library, or one of another version
            raise UsageError(
                f"{block}: {error}; apt-get install libiio0, and with it pip install 'pylibiio<1'"
            ) from None
        try:
            self._device = adi.Pluto(uri=params.uri)
            self._tune(params)
        except (SignalError, RunError):
            raise
        except Exception as error:  # pyadi-iio raises no narrower ones
            raise RunError(f"{self._where}: {error}; `iio_info -s` lists what there is") from None

    def _tune(self, params: PlutoParams) -> None:
        device, bandwidth_hz = self._device, int(params.bandwidth_hz or params.sample_rate_hz)
        device.sample_rate = int(params.sample_rate_hz)
        rate_hz = float(device.sample_rate)
        if abs(rate_hz - params.sample_rate_hz) > RATE_TOLERANCE * params.sample_rate_hz:
            raise SignalError(
                f"{self._where}: expected a sample rate of {params.sample_rate_hz:.10g} Hz, got {rate_hz:.10g} Hz, the "
                "nearest that it has; set sample_rate_hz to it, and put radio/resample beside"
            )
        if self._receives:
            device.rx_enabled_channels, device.rx_buffer_size = [0], params.buffer
            device.rx_lo, device.rx_rf_bandwidth = int(params.frequency_hz), bandwidth_hz
            device.gain_control_mode_chan0 = "manual"  # a gain that changes within a burst spoils it
        else:
            device.tx_enabled_channels, device.tx_cyclic_buffer = [0], False
            device.tx_lo, device.tx_rf_bandwidth = int(params.frequency_hz), bandwidth_hz
        self._gain_db: float | None = None
        self.set_gain(params.gain_db)
        self.ran_over()  # what was before does not count

    def set_gain(self, gain_db: float) -> None:
        """Change the gain, if it is another."""
        if gain_db != self._gain_db:
            setattr(self._device, f"{'rx' if self._receives else 'tx'}_hardwaregain_chan0", gain_db)
            self._gain_db = gain_db

    def read(self) -> NDArray[np.complex64] | None:
        """Read one buffer, complex64, full scale at 1; None where none came in a second. Raises RunError."""
        try:
            codes = self._device.rx()
        except OSError as error:
            self._give_up(error)
            return None
        return np.asarray(codes, np.complex64) / np.float32(RECEIVED_FULL_SCALE)

    def write(self, samples: NDArray[np.complex64]) -> bool:
        """Write one buffer; False where it was not taken within a second. Raises RunError."""
        parts = np.clip(samples.view(np.float32) * SENT_FULL_SCALE, -SENT_FULL_SCALE, SENT_FULL_SCALE - 1)
        try:
            self._device.tx(parts.astype(np.float32).view(np.complex64))
        except OSError as error:
            self._give_up(error)
            return False
        return True

    def ran_over(self) -> bool:
        """Whether the device lost samples, or ran dry, since the last call; False where it does not say."""
        path, mark = (self._device._rxadc, OVERFLOW) if self._receives else (self._device._txdac, UNDERFLOW)
        with contextlib.suppress(OSError, AttributeError):
            if path.reg_read(STATUS) & mark:
                path.reg_write(STATUS, mark)
                return True
        return False

    def close(self) -> None:
        """Give the device back."""
        (self._device.rx_destroy_buffer if self._receives else self._device.tx_destroy_buffer)()

    def _give_up(self, error: OSError) -> None:
        if error.errno not in (errno.ETIMEDOUT, errno.EAGAIN):
            raise RunError(f"{self._where}: {error}; see whether it is still there") from None
