"""Following a phase or a delay through a burst, from noisy estimates one after the other."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Start", "track"]


class Start(NamedTuple):
    """What is known before the first vector, in units of the variance of one vector's angle.

    Attributes:
        angle: Variance of the angle that the first vector is expected at, 0.
        both: Its covariance with the rate.
        rate: Variance of the rate, a vector.
    """

    angle: float
    both: float
    rate: float


def track(vectors: NDArray[np.complex128], gain: float, start: Start) -> NDArray[np.float64]:
    r"""Follow the angle of noisy vectors by a loop of second order, and smooth it on the way back.

    .. math:: e_k = \arg(z_k\, e^{-j \hat\phi_k}), \quad \phi_k = \hat\phi_k + \alpha_k e_k, \quad
        \nu_k = \nu_{k-1} + \beta_k e_k, \quad \hat\phi_{k+1} = \phi_k + \nu_k

    The gains are those of a Kalman filter whose rate walks at random by so much that they settle at alpha and
    :math:`\beta = \alpha^2 / (2 - \alpha)`: they begin with what is known at the start. An error counts by the size of
    its vector over the mean size, twice at the most. The way back (Rauch, Tung and Striebel) lets every vector tell of
    those before it, too. A constant rate leaves no lasting error.

    Args:
        vectors: complex128 ``[n]``.
        gain: :math:`\alpha`, 0 to 1: the loop averages over some 1 / alpha vectors.
        start: What is known before.

    Returns:
        float64 ``[n]``, unwrapped, in radians.

    Source: Bar-Shalom, Li & Kirubarajan, Estimation with Applications to Tracking and Navigation, sections 6.5 and 8.6.
    """
    sizes = np.abs(vectors)
    mean = float(sizes.mean()) if sizes.size else 0.0
    weights = np.minimum(sizes / mean, 2.0) if mean > 0 else np.zeros_like(sizes)
    forth, back = _gains(sizes.size, gain, start)
    turn, half = 2 * np.pi, np.pi
    angle = rate = 0.0
    states, steps = [], zip(np.angle(vectors).tolist(), weights.tolist(), forth, strict=True)
    for seen, weight, (alpha, beta) in steps:
        error = (seen - angle) % turn
        error = weight * (error - turn if error > half else error)
        angle += alpha * error
        rate += beta * error
        states.append((angle, rate))
        angle += rate
    found = np.empty(sizes.size)
    if states:
        angle, rate = states[-1]
        found[-1] = angle
    for index in range(sizes.size - 2, -1, -1):
        (before, before_rate), (aa, ar, ra, rr) = states[index], back[index]
        off, off_rate = angle - before - before_rate, rate - before_rate
        angle, rate = before + aa * off + ar * off_rate, before_rate + ra * off + rr * off_rate
        found[index] = angle
    return found


@lru_cache(maxsize=64)
def _gains(
    count: int, gain: float, start: Start
) -> tuple[list[tuple[float, float]], list[tuple[float, float, float, float]]]:
    """Return alpha and beta of each step, and the matrices of the way back, in units of the measurement's variance."""
    settled = gain * gain / (2 - gain)
    walk = settled * settled / (1 - gain) * np.array([[0.25, 0.5], [0.5, 1.0]])
    step = np.array([[1.0, 1.0], [0.0, 1.0]])
    known = np.array([[start.angle, start.both], [start.both, start.rate]])
    forth, back = [], []
    for _ in range(count):
        gains = known[:, 0] / (known[0, 0] + 1)
        filtered = known - np.outer(gains, known[0])
        known = step @ filtered @ step.T + walk
        forth.append((float(gains[0]), float(gains[1])))
        (aa, ar), (ra, rr) = (filtered @ step.T @ np.linalg.inv(known)).tolist()
        back.append((aa, ar, ra, rr))
    return forth, back
