"""Following a phase or a delay through a burst, from noisy estimates one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["track"]


def track(vectors: NDArray[np.complex128], gain: float) -> NDArray[np.float64]:
    r"""Follow the angle of noisy vectors, forwards and backwards, by a loop of second order.

    .. math:: e_k = \arg(z_k\, e^{-j (\phi_{k-1} + \nu_{k-1})}), \quad
        \phi_k = \phi_{k-1} + \nu_{k-1} + \alpha e_k, \quad \nu_k = \nu_{k-1} + \frac{\alpha^2}{2 - \alpha}\, e_k

    An error counts by the size of its vector over the mean size, twice at the most. A constant rate of change leaves no
    lasting error. A first way forth finds phase and rate at the end, the way back those at the start, and a second way
    forth begins with them; what is returned is the mean of the last two, which has half the variance of either.

    Args:
        vectors: complex128 ``[n]``; the angle is near 0 before the first one.
        gain: :math:`\alpha`, 0 to 1: the loop averages over some 1 / alpha vectors.

    Returns:
        float64 ``[n]``, unwrapped, in radians.

    Source: Benedict & Bordner, Synthesis of an optimal set of radar track-while-scan smoothing equations, IRE Trans.
        Automatic Control 7(4), 1962 (the gains).
    """
    sizes = np.abs(vectors)
    mean = float(sizes.mean()) if sizes.size else 0.0
    weights = np.minimum(sizes / mean, 2.0) if mean > 0 else np.zeros_like(sizes)
    angles = np.angle(vectors)
    _, phase, rate = _run(angles, weights, gain, 0.0, 0.0)
    back, phase, rate = _run(angles[::-1], weights[::-1], gain, phase + rate, -rate)
    forth, _, _ = _run(angles, weights, gain, phase + rate, -rate)
    return (forth + back[::-1]) / 2


def _run(
    angles: NDArray[np.float64], weights: NDArray[np.float64], gain: float, phase: float, rate: float
) -> tuple[NDArray[np.float64], float, float]:
    slow = gain * gain / (2 - gain)
    turn = 2 * np.pi
    found = np.empty(angles.size)
    for index, (angle, weight) in enumerate(zip(angles.tolist(), weights.tolist(), strict=True)):
        phase += rate
        error = (angle - phase) % turn
        error = weight * (error - turn if error > np.pi else error)
        phase += gain * error
        rate += slow * error
        found[index] = phase
    return found, phase, rate
