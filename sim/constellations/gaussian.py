r"""Gaussian features on a square QAM grid: where the points lie, what is lost, and how a receiver estimates.

All per real dimension, features of unit variance: a feature u goes to the nearest of L levels, the level times a gain
is sent, and the receiver sees z = c + w with noise variance N0 (N0/2 per real dimension of symbols of unit energy).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .qam import check_order, half_distance

__all__ = ["GaussianGrid", "effective_esn0_db", "effective_n0", "gaussian_grid", "linear_estimate", "posterior_mean"]

STEPS = {2: 1.5956, 4: 0.9957, 6: 0.5860, 8: 0.3352, 10: 0.1881, 12: 0.1041}
Values = NDArray[np.float64]
_FARTHEST = 1e6  # of a received value: differences of squares stay exact enough


class GaussianGrid(NamedTuple):
    """The levels of one real dimension.

    Attributes:
        bits_per_symbol: Of the QAM; half of them for this dimension.
        step: Distance of levels for features of unit variance.
        gain: What a level is multiplied by to be sent: with it Gaussian features give unit energy.
        levels: ``[L]``, rising, for features of unit variance.
        probability: ``[L]``: how often Gaussian features meet each level.
        centroid: ``[L]``: mean of the features that meet it.
        second_moment: ``[L]``: mean square of them.
        qam_gain: The sent points over those of the QAM of unit mean energy over its alphabet: above 1, since inner
            points are used more often.
    """

    bits_per_symbol: int
    step: float
    gain: float
    levels: Values
    probability: Values
    centroid: Values
    second_moment: Values
    qam_gain: float

    @property
    def distortion(self) -> float:
        """Mean squared error of the centroids without noise, for unit variance."""
        return float(1 - (self.probability * self.centroid**2).sum())


@lru_cache
def gaussian_grid(bits_per_symbol: int) -> GaussianGrid:
    """The uniform quantiser of least distortion for Gaussian features.

    Args:
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.

    Raises:
        SignalError: no such order.

    Source: Max, Quantizing for minimum distortion, IRE Trans. Inf. Theory 6(1), 1960, table II (the steps).
    """
    count, step = 2 ** check_order(bits_per_symbol), STEPS[bits_per_symbol]
    levels = (np.arange(count) - (count - 1) / 2) * step
    edges = (levels[1:] + levels[:-1]) / 2
    density = np.concatenate([[0.0], np.exp(-(edges**2) / 2) / math.sqrt(2 * math.pi), [0.0]])
    below = np.array([0.0, *(0.5 * math.erfc(-edge / math.sqrt(2)) for edge in edges), 1.0])
    probability = np.diff(below)
    centroid = (density[:-1] - density[1:]) / probability
    weighted = np.concatenate([[0.0], edges, [0.0]]) * density
    second_moment = 1 + (weighted[:-1] - weighted[1:]) / probability
    gain = 1 / math.sqrt((probability * levels**2).sum())
    qam_gain = gain * step / math.sqrt(2) / (2 * half_distance(bits_per_symbol))
    for array in (levels, probability, centroid, second_moment):
        array.setflags(write=False)
    return GaussianGrid(bits_per_symbol, step, gain, levels, probability, centroid, second_moment, qam_gain)


def posterior_mean(grid: GaussianGrid, received: NDArray[Any], n0: Any) -> tuple[Values, Values]:
    r"""Estimate features from what was received, knowing the points and how often each is used.

    .. math:: \hat u = \sum_i P(i \mid z)\, \mu_i, \quad P(i \mid z) \propto p_i\, e^{-(z - c_i)^2 / (2 N_0)}

    Args:
        grid: Of the constellation.
        received: real ``[...]``: received values, where the sent ones have unit energy per real dimension.
        n0: Noise variance, broadcasts against ``received``; below 1e-12 it counts as that.

    Returns:
        Estimates and their posterior variances, float64 ``[...]``, for features of unit variance.
    """
    z = np.clip(np.asarray(received, np.float64), -_FARTHEST, _FARTHEST)
    precision = np.broadcast_to(1 / np.maximum(np.asarray(n0, np.float64), 1e-12), z.shape)
    mean, second = np.empty(z.shape), np.empty(z.shape)
    flat = (z.reshape(-1), precision.reshape(-1), mean.reshape(-1), second.reshape(-1))
    rows = max(1, 2**20 // grid.levels.size)  # bounds the memory
    for start in range(0, z.size, rows):
        part, sharpness = (values[start : start + rows, None] for values in flat[:2])
        metric = np.log(grid.probability) - (part - grid.gain * grid.levels) ** 2 * (sharpness / 2)
        weight = np.exp(metric - metric.max(1, keepdims=True))
        weight /= weight.sum(1, keepdims=True)
        flat[2][start : start + rows] = weight @ grid.centroid
        flat[3][start : start + rows] = weight @ grid.second_moment
    return mean, np.maximum(second - mean**2, 0)


def linear_estimate(grid: GaussianGrid, received: NDArray[Any], n0: Any) -> tuple[Values, Values]:
    r"""Estimate features by a factor alone, as a receiver that knows nothing of points would.

    .. math:: \hat u = \frac{\alpha}{1 + N_0}\, z, \quad \alpha = E[u\, c], \quad
              E(\hat u - u)^2 = 1 - \frac{\alpha^2}{1 + N_0}

    Args:
        grid: Of the constellation.
        received: real ``[...]``: received values, where the sent ones have unit energy per real dimension.
        n0: Noise variance, broadcasts against ``received``.

    Returns:
        Estimates and their mean squared errors, float64 ``[...]``, for features of unit variance.

    Source: Bussgang, Crosscorrelation functions of amplitude-distorted Gaussian signals, MIT RLE report 216, 1952.
    """
    alpha = grid.gain * float((grid.probability * grid.levels * grid.centroid).sum())
    total = 1 + np.asarray(n0, np.float64)
    return np.asarray(received, np.float64) * alpha / total, np.broadcast_to(1 - alpha**2 / total, received.shape)


@lru_cache(maxsize=4096)
def effective_n0(bits_per_symbol: int, n0: float) -> float:
    r"""Noise variance of the channel without a constellation that is as good as this one with it.

    .. math:: N_{0,\mathrm{eff}} = \frac{v}{1 - v}, \quad v = E\left[ \mathrm{Var}(u \mid z) \right]

    Args:
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.
        n0: Noise variance per complex symbol of unit energy, above 0.

    Raises:
        SignalError: no such order.
    """
    grid = gaussian_grid(bits_per_symbol)
    noise, weight = np.polynomial.hermite_e.hermegauss(64)
    received = grid.gain * grid.levels[:, None] + math.sqrt(n0) * noise
    _, variance = posterior_mean(grid, received, n0)
    v = float(grid.probability @ variance @ weight / weight.sum())
    return v / (1 - v)


def effective_esn0_db(bits_per_symbol: int, esn0_db: float) -> float:
    """Es/N0 in dB of the channel without a constellation that is as good as this one with it.

    Args:
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.
        esn0_db: Es/N0 in dB.

    Raises:
        SignalError: no such order.
    """
    return -10 * math.log10(effective_n0(bits_per_symbol, 10 ** (-esn0_db / 10)))
