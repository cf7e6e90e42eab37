"""Phase and amplitude along a burst, from its pilots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .preamble import GUARD, PREAMBLE
from .track import Start, track

__all__ = ["Gain", "amplitude_step", "follow_gain"]

_GROUP = 4  # pilots added up for a step of the loop
_LOOP_GAIN = 0.15
_SIDE = 8  # groups whose mean is compared with as many behind them
_BELIEF = 64  # pilots that the preamble's noise counts as much as
_OWN_SHARE = (_LOOP_GAIN + 1 / (2 * _SIDE + 1)) / _GROUP  # of its noise that a pilot's own gain follows, twice
_SIGMAS = 5.0
_LEAST = 1e-3  # of an amplitude, against that of the preamble
_LEAST_STEP_DB = 1.0


class Gain(NamedTuple):
    """The gain of a channel along a burst.

    Attributes:
        gains: complex64 ``[symbols]``.
        n0: Noise variance per symbol beside pilots of unit energy, before the gain is divided out.
        step_db: The greatest sudden change of the amplitude, in dB; 0 where there is none beyond doubt.
    """

    gains: NDArray[np.complex64]
    n0: float
    step_db: float


def follow_gain(
    received: NDArray[np.complex64], sent: NDArray[np.complex64], at: NDArray[np.intp], symbols: int, *, n0: float
) -> Gain:
    """Follow phase and amplitude through a burst.

    The phase is that of a loop of second order over groups of four pilots, the amplitude the mean of the groups around,
    on either side of a step by itself. A step is believed where the means of eight groups before and behind differ by
    five standard deviations and 1 dB.

    Args:
        received: complex64 ``[P]``, the pilots.
        sent: complex64 ``[P]``, as sent.
        at: intp ``[P]``, their places.
        symbols: Of the burst.
        n0: Noise variance that the preamble tells.
    """
    turned = (received * sent.conj()).astype(np.complex128)
    starts = np.arange(0, max(turned.size - _GROUP + 1, 1), _GROUP)
    counts = np.diff(np.append(starts, turned.size))
    groups = np.asarray(np.add.reduceat(turned, starts) / counts, np.complex128)
    middles = np.add.reduceat(at.astype(np.float64), starts) / counts
    phases = track(groups, _LOOP_GAIN, _start(middles))
    amplitudes = (groups * np.exp(-1j * phases)).real
    deviation = float(np.sqrt(n0 / 2 / _GROUP))
    step, ratio_db = amplitude_step(amplitudes, deviation)
    parts = np.split(amplitudes, [step] if step else [])
    known = np.ones(_SIDE)  # the preamble's
    smooth = np.concatenate([_smooth(np.append(known, parts[0]))[_SIDE:], *map(_smooth, parts[1:])])
    smooth = np.maximum(smooth, 1e-3 * float(np.abs(smooth).max()) + 1e-12)
    everywhere = np.arange(symbols)
    angles = np.interp(everywhere, middles, phases)
    angles = (angles - 2 * np.pi * np.rint(angles / (2 * np.pi))).astype(np.float32)
    gains = np.empty(symbols, np.complex64)
    sizes = np.interp(everywhere, middles, smooth).astype(np.float32)
    np.multiply(sizes, np.cos(angles), out=gains.real)
    np.multiply(sizes, np.sin(angles), out=gains.imag)
    wrong = float((np.abs(turned - gains[at]) ** 2).sum())
    return Gain(gains, (_BELIEF * n0 + wrong * (1 + _OWN_SHARE)) / (_BELIEF + at.size), ratio_db)


def _start(middles: NDArray[np.float64]) -> Start:
    """Return what the preamble tells of phase and rate, in units of a group's variance (bounds of Cramer and Rao)."""
    step = float(middles[1] - middles[0]) if middles.size > 1 else 1.0
    angle = _GROUP / PREAMBLE.size
    rate = 12 * _GROUP / PREAMBLE.size**3 * step**2
    away = (GUARD + PREAMBLE.size / 2 + float(middles[0])) / step
    return Start(angle + away * away * rate, away * rate, rate)


def amplitude_step(amplitudes: NDArray[np.float64], deviation: float) -> tuple[int, float]:
    """Return where an amplitude has stepped, and by how much in dB; zeros for nowhere.

    Args:
        amplitudes: float64 ``[n]``, one after the other.
        deviation: Standard deviation of their noise.
    """
    side = min(_SIDE, amplitudes.size // 2)
    if side < 2:
        return 0, 0.0
    total = np.concatenate([[0.0], amplitudes.cumsum()])
    means = (total[side:] - total[:-side]) / side
    before, behind = means[:-side], means[side:]
    apart = np.abs(behind - before)
    at = int(np.argmax(apart))
    low, high = sorted((float(abs(before[at])), float(abs(behind[at]))))
    doubtful = apart[at] < _SIGMAS * deviation * np.sqrt(2 / side) or high < low * 10 ** (_LEAST_STEP_DB / 20)
    step = at + side  # the one in which it happens is on neither side
    if doubtful or _is_slope(amplitudes[at : at + 2 * side]):
        return 0, 0.0
    parts = amplitudes[max(step - 1 - _SIDE, 0) : step - 1], amplitudes[step + 1 : step + 1 + _SIDE]
    first, last = (max(float(abs(np.median(part))), _LEAST) for part in parts)
    return step, 20 * float(np.log10(last / first))


def _is_slope(amplitudes: NDArray[np.float64]) -> bool:
    """Whether a straight line explains amplitudes better than a step in their middle, as while a fade goes by."""
    half = amplitudes.size // 2
    places = np.delete(np.arange(2.0 * half), [half - 1, half])
    values = amplitudes[places.astype(np.intp)]
    low, high = np.split(values, 2)
    left = np.sum((low - low.mean()) ** 2) + np.sum((high - high.mean()) ** 2)
    away, values = places - places.mean(), values - values.mean()
    return bool(np.sum(values**2) - np.sum(away * values) ** 2 / np.sum(away**2) < left)


def _smooth(amplitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over eight groups to each side, fewer at the ends."""
    total = np.concatenate([[0.0], amplitudes.cumsum()])
    index = np.arange(amplitudes.size)
    first, last = np.maximum(index - _SIDE, 0), np.minimum(index + _SIDE + 1, amplitudes.size)
    return np.asarray((total[last] - total[first]) / (last - first))
