"""Rayleigh fading that changes in time as a receiver moves, for numpy arrays and torch tensors alike."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..arrays import phasor

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["SINUSOIDS", "clarke", "clarke_correlation", "doppler_from_speed_hz"]

SINUSOIDS = 32
"""Plane waves to a gain: E|h|^4 is 2 - 1/32 where it is 2 for an exact Rayleigh gain."""

_LIGHT_M_S = 299_792_458.0


def doppler_from_speed_hz(speed_m_s: float, carrier_hz: float) -> float:
    r"""Greatest Doppler shift in Hz.

    .. math:: f_D = v f_c / c

    Args:
        speed_m_s: v, of the receiver, in m/s.
        carrier_hz: Carrier frequency in Hz.

    Example:
        >>> round(doppler_from_speed_hz(3.0, 3.5e9), 2)
        35.02
    """
    return speed_m_s * carrier_hz / _LIGHT_M_S


def clarke(times: Array, angles: Array, phases: Array, *, doppler: float) -> Array:
    r"""Rayleigh gains with Clarke's (Jakes') Doppler spectrum, at any times.

    .. math:: h(t) = \frac{1}{\sqrt N} \sum_{i=0}^{N-1} e^{j 2 \pi (f_D t \cos \alpha_i + \phi_i)},
        \quad \alpha_i = \frac{2 \pi (i + u_i)}{N}

    N plane waves, one from a random direction in each N-th of the circle. Over the draws E|h|^2 = 1 and
    E h(t) h*(t - tau) = J0(2 pi f_D tau) hold exactly for every N; the distribution is Rayleigh's as N grows. The times
    are absolute: a stream may be asked for in any pieces.

    Args:
        times: real ``[n]``, in seconds, or in symbols.
        angles: real ``[..., N]``: u, uniform in [0, 1), drawn by the caller.
        phases: real ``[..., N]``: phi in turns, uniform in [0, 1), drawn by the caller.
        doppler: f_D, the greatest Doppler shift: in Hz, or in cycles a symbol (f_D T_s).

    Returns:
        complex ``[..., n]``.

    Raises:
        SignalError: ``angles`` and ``phases`` differ in shape, or there are none.

    Source: Xiao, Zheng & Beaulieu, Novel sum-of-sinusoids simulation models for Rayleigh and Rician fading channels,
    IEEE Trans. Wireless Commun. 5(12), 2006, eq. (6); Clarke, A statistical theory of mobile-radio reception, Bell
    Syst. Tech. J. 47(6), 1968.
    """
    shape: tuple[int, ...] = tuple(angles.shape)  # type: ignore[attr-defined]
    other: tuple[int, ...] = tuple(phases.shape)  # type: ignore[attr-defined]
    if shape != other or not shape or shape[-1] < 1:
        raise SignalError(f"clarke: expected as many angles as phases, got shapes {list(shape)} and {list(other)}")
    waves = shape[-1]
    gains: Any = 0.0
    for i in range(waves):  # one wave at a time: memory stays that of the gains
        alpha = (angles[..., i] + i) / waves  # type: ignore[index]
        shift = doppler * phasor(alpha).real
        gains = gains + phasor(shift[..., None] * times + phases[..., i, None])  # type: ignore[index]
    return gains / math.sqrt(waves)  # type: ignore[no-any-return]


def clarke_correlation(lags: NDArray[np.float64], *, doppler: float) -> NDArray[np.float64]:
    r"""Autocorrelation of `clarke` over time.

    .. math:: E\, h(t) h^*(t - \tau) = J_0(2 \pi f_D \tau)

    Args:
        lags: real: tau, in the unit of time of ``doppler``.
        doppler: f_D.

    Source: Clarke 1968; Jakes, Microwave Mobile Communications, section 1.3.
    """
    from scipy.special import j0

    return np.asarray(j0(2 * math.pi * doppler * np.asarray(lags, np.float64)))
