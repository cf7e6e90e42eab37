"""Phase and amplitude along a burst, from its pilots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .track import track

__all__ = ["Gain", "follow_gain"]

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
    phases = track(groups, _LOOP_GAIN)
    amplitudes = (groups * np.exp(-1j * phases)).real
    deviation = float(np.sqrt(n0 / 2 / _GROUP))
    step = _find_step(amplitudes, deviation)
    smooth = np.concatenate([_smooth(part) for part in np.split(amplitudes, [step] if step else [])])
    smooth = np.maximum(smooth, 1e-3 * float(np.abs(smooth).max()) + 1e-12)
    everywhere = np.arange(symbols)
    angles = np.interp(everywhere, middles, phases)
    angles = (angles - 2 * np.pi * np.rint(angles / (2 * np.pi))).astype(np.float32)
    gains = np.empty(symbols, np.complex64)
    sizes = np.interp(everywhere, middles, smooth).astype(np.float32)
    np.multiply(sizes, np.cos(angles), out=gains.real)
    np.multiply(sizes, np.sin(angles), out=gains.imag)
    wrong = float((np.abs(turned - gains[at]) ** 2).sum())
    ratio_db = 0.0
    if step:  # the group in which it happens is on neither side
        low, high = amplitudes[max(step - 1 - _SIDE, 0) : step - 1], amplitudes[step + 1 : step + 1 + _SIDE]
        before, behind = (max(float(abs(np.median(side))), _LEAST) for side in (low, high))
        ratio_db = 20 * float(np.log10(behind / before))
    return Gain(gains, (_BELIEF * n0 + wrong * (1 + _OWN_SHARE)) / (_BELIEF + at.size), ratio_db)


def _find_step(amplitudes: NDArray[np.float64], deviation: float) -> int:
    """Return the group at which the amplitude has stepped; 0 for none."""
    side = min(_SIDE, amplitudes.size // 2)
    if side < 2:
        return 0
    total = np.concatenate([[0.0], amplitudes.cumsum()])
    means = (total[side:] - total[:-side]) / side
    before, behind = means[:-side], means[side:]
    apart = np.abs(behind - before)
    at = int(np.argmax(apart))
    low, high = sorted((float(abs(before[at])), float(abs(behind[at]))))
    doubtful = apart[at] < _SIGMAS * deviation * np.sqrt(2 / side) or high < low * 10 ** (_LEAST_STEP_DB / 20)
    return 0 if doubtful else at + side


def _smooth(amplitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over up to sixteen groups around each, fewer at the ends, the same number to each side."""
    total = np.concatenate([[0.0], amplitudes.cumsum()])
    index = np.arange(amplitudes.size)
    reach = np.minimum(np.minimum(index, index[::-1]), _SIDE)
    return np.asarray((total[index + reach + 1] - total[index - reach]) / (2 * reach + 1))
