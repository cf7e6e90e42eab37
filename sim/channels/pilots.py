"""Pilots, and least-squares channel estimation from them; for numpy arrays and torch tensors alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..arrays import constant, phasor
from .doppler import clarke_correlation
from .ofdm_grid import OfdmGrid
from .tdl_profiles import LOS_DOPPLER_SHARE

Array = TypeVar("Array")

__all__ = ["Correlation", "Estimate", "check_pilots", "ls_estimate", "pilot_symbols"]

_PILOT_KEY = 38211  # of the generator that sender and receiver share


class Estimate(NamedTuple):
    """A channel estimate for every element of a grid.

    Attributes:
        h: complex ``[..., rows, columns]``.
        variance: float64 ``[rows, columns]``: E|h_estimated - h|^2.
    """

    h: Any
    variance: NDArray[np.float64]


class Correlation(NamedTuple):
    """Second-order statistics of a channel over a grid: what sets an estimator's weights and its expected error.

    Attributes:
        energies: float64 ``[L]``: mean energies of the scattered taps.
        delays: float64 ``[L]``: their delays times the subcarrier spacing.
        doppler: Greatest Doppler shift times the time from row to row.
        los_energy: Energy of a line of sight at delay 0, with 0.7 of the Doppler shift and random phase.
    """

    energies: NDArray[np.float64]
    delays: NDArray[np.float64]
    doppler: float
    los_energy: float = 0.0

    def time(self, lags: NDArray[np.intp]) -> NDArray[np.float64]:
        """Correlation of a scattered tap over rows, 1 at lag 0."""
        return clarke_correlation(np.asarray(lags, np.float64), doppler=self.doppler)

    def frequency(self, lags: NDArray[np.intp]) -> NDArray[np.complex128]:
        """Correlation of the scattered taps over columns; their energy at lag 0."""
        found = np.zeros(np.shape(lags), np.complex128)
        for energy, delay in zip(self.energies, self.delays, strict=True):
            found += energy * phasor(-delay * np.asarray(lags, np.float64))
        return found

    def los(self, rows: NDArray[np.intp]) -> NDArray[np.complex128]:
        """Return the line of sight over rows, for a phase of 0 and unit energy."""
        return np.asarray(phasor(LOS_DOPPLER_SHARE * self.doppler * np.asarray(rows, np.float64)))


def pilot_symbols(count: int) -> NDArray[np.complex64]:
    """Known QPSK sequence of unit energy, complex64 ``[count]``: the same for every item.

    Args:
        count: Symbols wanted; a shorter sequence is the start of a longer one.
    """
    words = np.random.Philox(key=_PILOT_KEY).random_raw(count)
    quarter = (words >> np.uint64(62)).astype(np.intp)
    alphabet = (np.array([1 + 1j, -1 + 1j, -1 - 1j, 1 - 1j]) / np.sqrt(2)).astype(np.complex64)
    return np.asarray(alphabet[quarter])


def check_pilots(at_pilots: Any, grid: OfdmGrid) -> None:
    """Refuse pilots that are not the grid's.

    Args:
        at_pilots: complex ``[..., P, Q]``: y / x of the pilots.
        grid: That says where they are.

    Raises:
        SignalError: another number of rows or columns, or none.
    """
    found, wanted = list(at_pilots.shape), [grid.pilot_rows.size, grid.pilot_columns.size]
    if found[-2:] != wanted or 0 in wanted:
        raise SignalError(f"pilots: expected received pilots [..., {wanted[0]}, {wanted[1]}] of the grid, got {found}")


def ls_estimate(at_pilots: Array, grid: OfdmGrid, correlation: Correlation, n0: float) -> Estimate:
    r"""Interpolate least-squares estimates linearly over the grid: over columns, then over rows.

    .. math:: \hat h_p = y_p / x_p, \quad
        \hat h = (1 - u)(1 - v)\, \hat h_{00} + (1 - u) v\, \hat h_{01} + u (1 - v)\, \hat h_{10} + u v\, \hat h_{11}

    The weights know nothing of the channel; the error variance, of noise and of interpolation, is what the correlation
    makes of them.

    Args:
        at_pilots: complex ``[..., P, Q]``: y / x of the pilots.
        grid: With at least one pilot.
        correlation: Of the channel.
        n0: Noise variance per pilot of unit energy.

    Raises:
        SignalError: another number of pilots than the grid has.

    Source: Coleri, Ergen, Puri & Bahai, Channel estimation techniques based on pilot arrangement in OFDM systems, IEEE
    Trans. Broadcast. 48(3), 2002.
    """
    check_pilots(at_pilots, grid)
    rows = _between(grid.pilot_rows, grid.rows)
    columns = _between(grid.pilot_columns, grid.subcarriers)
    over: Any = at_pilots
    over = over[..., columns.first] * constant(1 - columns.share, over) + over[..., columns.second] * constant(
        columns.share, over
    )
    above, below = constant((1 - rows.share)[:, None], over), constant(rows.share[:, None], over)
    h = over[..., rows.first, :] * above + over[..., rows.second, :] * below

    time_cross, time_energy = _interpolated(rows, correlation.time)
    column_cross, column_energy = _interpolated(columns, correlation.frequency)
    variance = float(correlation.energies.sum()) - 2 * np.outer(time_cross.real, column_cross.real)
    variance += np.outer(time_energy, column_energy)
    if correlation.los_energy:  # alike in all columns, so that rows alone matter
        found = (1 - rows.share) * correlation.los(rows.low) + rows.share * correlation.los(rows.high)
        variance += correlation.los_energy * (np.abs(found - correlation.los(rows.at)) ** 2)[:, None]
    noise = [(1 - axis.share) ** 2 + axis.share**2 for axis in (rows, columns)]
    return Estimate(h, np.maximum(variance + n0 * np.outer(*noise), 0.0))


class _Between(NamedTuple):
    """The pilots on both sides of every place of an axis: their numbers, their places, and the share of the second."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    at: NDArray[np.intp]
    share: NDArray[np.float64]


def _between(pilots: NDArray[np.intp], length: int) -> _Between:
    at = np.arange(length)
    first = np.searchsorted(pilots, at, side="right") - 1
    second = np.minimum(first + 1, pilots.size - 1)
    low, high = pilots[first], pilots[second]
    return _Between(first, second, low, high, at, (at - low) / np.maximum(high - low, 1))


def _interpolated(axis: _Between, law: Callable[[Any], Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Correlation of the interpolated value with the true one, and energy of the interpolated value."""
    u = axis.share
    cross = (1 - u) * law(axis.low - axis.at) + u * law(axis.high - axis.at)
    whole = law(np.zeros(1, np.intp)).real
    return cross, whole * ((1 - u) ** 2 + u**2) + 2 * u * (1 - u) * law(axis.high - axis.low).real
