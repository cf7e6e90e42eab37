"""Intervals of what a sweep measures, and paired comparisons of systems that met the same pictures and noise."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ...errors import SignalError
from .over import value_text

__all__ = ["Interval", "bootstrap_mean", "mean_interval", "paired_difference", "wilson"]

RESAMPLES = 9999


class Interval(NamedTuple):
    """An estimate and the ends of its interval; nan where they cannot be known."""

    mean: float
    low: float
    high: float


def wilson(failures: float, trials: float, confidence: float = 0.95) -> Interval:
    r"""A rate and its Wilson score interval.

    .. math:: \frac{\hat p + z^2 / 2n \pm z \sqrt{\hat p (1 - \hat p) / n + z^2 / 4 n^2}}{1 + z^2 / n}

    Holds for independent trials; zero failures of n give an upper end of about 3.8 / n at 95 %.

    Args:
        failures: Of the trials, 0 to ``trials``.
        trials: At least 1; with none the rate is not known.
        confidence: Share of such intervals that hold the true rate.

    Raises:
        SignalError: more failures than trials, or fewer than none.

    Source: E. B. Wilson, JASA 22(158), 1927; Brown, Cai & DasGupta, Statistical Science 16(2), 2001.

    Example:
        >>> [round(value, 4) for value in wilson(0, 100)]
        [0.0, 0.0, 0.037]
    """
    if not 0 <= failures <= trials:
        raise SignalError(f"wilson: expected 0 to {trials:g} failures, got {failures:g}")
    if trials == 0:
        return Interval(math.nan, math.nan, math.nan)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    rate = failures / trials
    middle = rate + z * z / (2 * trials)
    half = z * math.sqrt(rate * (1 - rate) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    low = 0.0 if failures == 0 else (middle - half) / scale
    return Interval(rate, low, 1.0 if failures == trials else (middle + half) / scale)


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean of independent values and its interval by Student's t: none for fewer than two, or infinite ones.

    Args:
        values: ``[n]``, such as the PSNR of each picture; nan is refused.
        confidence: Share of such intervals that hold the true mean.

    Raises:
        SignalError: no values, or some are nan.
    """
    array = _values(values)
    mean = float(np.mean(array))
    if array.size < 2 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan)
    half = (
        float(stats.t.ppf((1 + confidence) / 2, array.size - 1)) * float(np.std(array, ddof=1)) / math.sqrt(array.size)
    )
    return Interval(mean, mean - half, mean + half)


def bootstrap_mean(values: ArrayLike, confidence: float = 0.95, *, seed: int = 0) -> Interval:
    """The mean of independent values and its bias-corrected and accelerated bootstrap interval.

    Makes no assumption of a normal distribution. Equal values give an interval of no width.

    Args:
        values: ``[n]``; fewer than two have no interval.
        confidence: Share of such intervals that hold the true mean.
        seed: Of the resampling: the same values and seed give the same interval.

    Raises:
        SignalError: no values, or some are nan.

    Source: B. Efron, JASA 82(397), 1987.
    """
    array = _values(values)
    mean = float(np.mean(array))
    if array.size < 2 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan)
    if np.ptp(array) == 0:
        return Interval(mean, mean, mean)
    means = _resampled_means(array, np.random.default_rng(seed))
    below = (np.count_nonzero(means < mean) + np.count_nonzero(means <= mean)) / (2 * means.size)
    bias = float(stats.norm.ppf(min(max(below, 0.5 / means.size), 1 - 0.5 / means.size)))
    spread = mean - (array.sum() - array) / (array.size - 1)  # of the means that leave one value out
    scale = 6 * float(np.sum(spread**2)) ** 1.5
    acceleration = float(np.sum(spread**3)) / scale if scale > 0 else 0.0
    z = float(stats.norm.ppf((1 + confidence) / 2))
    ends = [bias + (bias + side) / (1 - acceleration * (bias + side)) for side in (-z, z)]
    low, high = np.quantile(means, stats.norm.cdf(ends))
    return Interval(mean, float(low), float(high))


def paired_difference(
    items: Iterable[Mapping[str, Any]],
    system_a: str,
    system_b: str,
    column: str,
    *,
    at: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """How much larger a measurement of one system is than of another, on the same pictures, draws and points.

    Differences are taken item by item, averaged over draws and points to one a picture, and bootstrapped over the
    pictures: noise and pictures that both systems met cancel.

    Args:
        items: Rows of `results.iter_items`.
        system_a: The first system; a positive difference is in its favour where larger is better.
        system_b: The second.
        column: ``psnr_db``.
        at: Only these values of the grid: ``{"esn0_db": 10}``.
        confidence: Share of such intervals that hold the true mean difference.
        seed: Of the bootstrap.

    Raises:
        SignalError: no item was measured in both, or a difference is not a number (both infinite).
    """
    found: dict[tuple[Any, ...], dict[str, float]] = defaultdict(dict)
    for item in items:
        if item["system"] not in (system_a, system_b) or item.get(column) is None:
            continue
        if any(item.get(name) != value_text(value) for name, value in (at or {}).items()):
            continue
        names = list(item)
        grid = tuple(item[name] for name in names[2 : names.index("draw")])
        found[(grid, item["draw"], item["seq"], item["digest"])][item["system"]] = float(item[column])
    pictures: dict[Any, list[float]] = defaultdict(list)
    for (_, _, _, digest), pair in found.items():
        if len(pair) == 2:
            difference = pair[system_a] - pair[system_b] if pair[system_a] != pair[system_b] else 0.0
            pictures[digest].append(difference)
    if not pictures:
        raise SignalError(f"paired difference: no item has {column} from both {system_a!r} and {system_b!r}")
    return bootstrap_mean([float(np.mean(values)) for values in pictures.values()], confidence, seed=seed)


def _resampled_means(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    rows = max(1, min(RESAMPLES, (1 << 20) // values.size))  # 8 MiB at once
    parts = []
    for start in range(0, RESAMPLES, rows):
        count = min(rows, RESAMPLES - start)
        parts.append(values[rng.integers(0, values.size, (count, values.size))].mean(axis=1))
    return np.concatenate(parts)


def _values(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64).ravel()
    if not array.size or np.isnan(array).any():
        raise SignalError(f"interval: expected numbers, got {'none' if not array.size else 'nan among them'}")
    return array
