"""Gains of a tapped delay line and its frequency response, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arrays import constant, phasor, product, zeros
from .doppler import clarke
from .tdl_profiles import LOS_DOPPLER_SHARE, Taps

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["frequency_response", "tap_gains"]


def tap_gains(
    taps: Taps, times_s: Array, angles: Array, phases: Array, los_phase: Array, *, doppler_hz: float
) -> Array:
    r"""Gains of the taps at absolute times; the caller draws.

    .. math:: a_l(t) = \sqrt{P_l}\, g_l(t) + \delta_{l0} \sqrt{P_\mathrm{LOS}}\,
        e^{j 2 \pi (0.7 f_D t + \phi_\mathrm{LOS})}

    g are independent gains of `doppler.clarke`. The line of sight of TDL-D and TDL-E adds to the first tap, with a
    Doppler shift of 0.7 of the greatest one.

    Args:
        taps: Of `tdl_taps`, L of them.
        times_s: real ``[n]``, in seconds.
        angles: real ``[..., L, N]``, uniform in [0, 1); see `doppler.clarke`.
        phases: real ``[..., L, N]``, uniform in [0, 1).
        los_phase: real ``[..., 1]``, uniform in [0, 1): phase of the line of sight in turns.
        doppler_hz: Greatest Doppler shift in Hz; 0 for a channel that stands still.

    Returns:
        complex ``[..., L, n]``; the mean energies of the taps sum to one.

    Source: 3GPP TR 38.901, section 7.7.2.
    """
    scattered = clarke(times_s, angles, phases, doppler=doppler_hz)
    gains: Any = constant(np.sqrt(taps.energies)[:, None], scattered) * scattered
    if taps.los_energy == 0:
        return gains  # type: ignore[no-any-return]
    line = taps.los_energy**0.5 * phasor(LOS_DOPPLER_SHARE * doppler_hz * times_s + los_phase)  # type: ignore[operator]
    sight = zeros(tuple(gains.shape), gains)
    sight[..., 0, :] = line
    return gains + sight  # type: ignore[no-any-return]


def frequency_response(gains: Array, delays_s: NDArray[np.float64], frequencies_hz: NDArray[np.float64]) -> Array:
    r"""Frequency response of a tapped delay line.

    .. math:: H(t, f) = \sum_l a_l(t)\, e^{-j 2 \pi f \tau_l}

    Args:
        gains: complex ``[..., L, n]``, at n times.
        delays_s: float64 ``[L]``, in seconds.
        frequencies_hz: float64 ``[K]``, from the carrier, in Hz.

    Returns:
        complex ``[..., n, K]``.
    """
    turns = -np.outer(delays_s, frequencies_hz)
    steering = constant(phasor(turns), gains)
    return product(gains.swapaxes(-1, -2), steering)  # type: ignore[attr-defined,no-any-return]
