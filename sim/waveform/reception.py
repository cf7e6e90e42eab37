"""What a receiver saw of one burst: bounded, for whoever looks at a receiver, and never for a decoder."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["Reception", "Sight", "power_spectrum", "thinned"]

T = TypeVar("T", bound=np.generic)

_BINS: Final = 256  # of a spectrum
_MOST: Final = {
    "spectrum": 256, "response": 256, "before": 512, "after": 512, "phase": 128, "delay": 128, "detection": 256
}  # fmt: skip
_COMPLEX: Final = ("response", "before", "after")
_COUNTS: Final = ("seq", "failures", "lost")


class Sight(NamedTuple):
    """What a waveform's demodulator sees of a body on the way to its data.

    Attributes:
        band: Width of the band that the body takes, between edges of half power, in cycles a sample.
        response: complex64 ``[n]``, at most 256: gain of the channel, evenly over that band.
        before: complex64 ``[n]``, at most 512: symbols before the equaliser, the carrier turned back.
    """

    band: float
    response: NDArray[np.complex64]
    before: NDArray[np.complex64]


class Reception(NamedTuple):
    """What a receiver saw of one burst. At most 27 KiB on the wire, whatever the burst's length.

    Attributes:
        seq: Number that the burst says.
        start_s: Of its first symbol, in seconds from the first sample of the stream.
        duration_s: Of the burst, from there to its end.
        sample_rate_hz: Of the stream.
        band_hz: Width of the band that the burst takes, between edges of half power.
        esn0_db: Estimated Es/N0 in dB.
        evm: Error of the pilots behind the equaliser, rms over the rms of what was sent.
        cfo_hz: Carrier offset.
        clock_ppm: Of the sender's clock against the receiver's, in 1e-6.
        statistic: Of the detector, 0 to 1, where the burst was found.
        threshold: That it had to exceed.
        detection_step_s: From one place of ``detection`` to the next, in seconds.
        spectrum: float32 ``[n]``, power density from minus half the sample rate on, as `power_spectrum`.
        response: complex64 ``[n]``, gain of the channel, evenly over the band from its lower end to its upper.
        before: complex64 ``[n]``, some symbols behind the matched filter, the carrier turned back, of unit mean energy.
        after: complex64 ``[n]``, some symbols of the payload as they go to the decoder.
        phase: float32 ``[n]``, in radians, evenly along the burst: what is left of the carrier, as the pilots tell it.
        delay: float32 ``[n]``, in seconds, evenly along the burst: by which the clock has moved.
        detection: float32 ``[n]``, odd: the statistic around the place where the burst was found, which is in the
            middle; NaN where none was made.
        failures: Preambles so far behind which no burst was read: false, header failed, truncated.
        lost: Numbers so far that are missing between those that came.
    """

    seq: int
    start_s: float
    duration_s: float
    sample_rate_hz: float
    band_hz: float
    esn0_db: float
    evm: float
    cfo_hz: float
    clock_ppm: float
    statistic: float
    threshold: float
    detection_step_s: float
    spectrum: NDArray[np.float32]
    response: NDArray[np.complex64]
    before: NDArray[np.complex64]
    after: NDArray[np.complex64]
    phase: NDArray[np.float32]
    delay: NDArray[np.float32]
    detection: NDArray[np.float32]
    failures: int = 0
    lost: int = 0

    def at(self, sample_rate_hz: float, *, failures: int, lost: int) -> Reception:
        """Return a record that was in samples and cycles a sample, in seconds and Hz."""
        times = {name: getattr(self, name) / sample_rate_hz for name in ("start_s", "duration_s", "detection_step_s")}
        rates = {name: getattr(self, name) * sample_rate_hz for name in ("sample_rate_hz", "band_hz", "cfo_hz")}
        delay = self.delay / np.float32(sample_rate_hz)
        return self._replace(**times, **rates, delay=delay, failures=failures, lost=lost)

    @property
    def nbytes(self) -> int:
        """Bytes of `pack`."""
        sizes: list[int] = [getattr(self, name).size * (2 if name in _COMPLEX else 1) for name in _MOST]
        return 8 * (len(_SCALARS) + len(_MOST) + sum(sizes))

    def pack(self) -> NDArray[np.float64]:
        """Return all of it as one array: scalars, sizes of the arrays, the arrays, pairs of them where complex.

        Raises:
            SignalError: an array is longer than a record may hold.
        """
        arrays = [np.atleast_1d(getattr(self, name)) for name in _MOST]
        for (name, most), array in zip(_MOST.items(), arrays, strict=True):
            if array.size > most:
                raise SignalError(f"reception: {name}: expected at most {most} values, got {array.size}")
        scalars = [float(getattr(self, name)) for name in _SCALARS]
        sizes = [float(array.size) for array in arrays]
        parts = [array.view(np.float32) if array.dtype == np.complex64 else array for array in arrays]
        return np.concatenate([scalars, sizes, *parts]).astype(np.float64)

    @classmethod
    def unpack(cls, packed: NDArray[Any]) -> Reception:
        """Return what `pack` packed.

        Raises:
            SignalError: it is none: too short, too long, an array beyond its bound, a count that is none.
        """
        values = np.asarray(packed, np.float64).reshape(-1)
        first = len(_SCALARS) + len(_MOST)
        scalars: dict[str, Any] = dict(zip(_SCALARS, values[: len(_SCALARS)].tolist(), strict=False))
        sizes = values[len(_SCALARS) : first].tolist()
        for (name, most), size in zip(_MOST.items(), sizes, strict=False):
            if not 0 <= size <= most or size != math.floor(size):
                raise SignalError(f"reception: {name}: expected 0 to {most} values, got {size:g}")
        widths = [int(size) * (2 if name in _COMPLEX else 1) for name, size in zip(_MOST, sizes, strict=False)]
        if values.size != first + sum(widths):
            raise SignalError(f"reception: expected {first + sum(widths)} values, got {values.size}")
        for name in _COUNTS:
            if not 0 <= scalars[name] < 2**53 or scalars[name] != math.floor(scalars[name]):
                raise SignalError(f"reception: {name}: expected a count, got {scalars[name]:g}")
            scalars[name] = int(scalars[name])
        ends = np.cumsum([first, *widths]).tolist()
        with np.errstate(over="ignore", invalid="ignore"):  # what is no float32 becomes infinite
            parts = [values[start:end].astype(np.float32) for start, end in pairwise(ends)]
        arrays: dict[str, Any] = {
            name: part.view(np.complex64) if name in _COMPLEX else part for name, part in zip(_MOST, parts, strict=True)
        }
        return cls(**scalars, **arrays)


_SCALARS: Final = tuple(name for name in Reception._fields if name not in _MOST)


def power_spectrum(samples: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return the power density of samples, float32 ``[256]``, by rising frequency from minus half the rate on.

    White noise has its variance in every bin. It is the mean over segments of 256 under a Hann window.

    Args:
        samples: complex64 ``[n]``, at least 256.

    Source: Welch, The use of fast Fourier transform for the estimation of power spectra, IEEE Trans. Audio
        Electroacoust. 15(2), 1967.
    """
    window = np.float32(0.5) - np.float32(0.5) * np.cos(2 * np.pi / _BINS * np.arange(_BINS)).astype(np.float32)
    segments = samples[: samples.size // _BINS * _BINS].reshape(-1, _BINS)
    spectra = np.fft.fft(segments * window, axis=-1)
    power = (spectra.real**2 + spectra.imag**2).mean(axis=0)
    return np.asarray(np.fft.fftshift(power) / np.sum(window**2), np.float32)


def thinned(values: NDArray[T], most: int) -> NDArray[T]:
    """Return at most so many of some values, evenly spread, the first and the last among them."""
    if values.size <= most:
        return values
    return values[np.linspace(0, values.size - 1, most).round().astype(np.intp)]
