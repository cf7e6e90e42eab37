"""Linear minimum mean-square error channel estimation from pilots, for numpy arrays and torch tensors alike."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..arrays import constant, phasor, product, zeros
from .doppler import clarke_correlation
from .ofdm_grid import OfdmGrid
from .pilots import Correlation, Estimate, check_pilots

Array = TypeVar("Array")

__all__ = ["lmmse_estimate"]

_WINDOW = 24  # rows of pilots, at least, whose surroundings are estimated at once
_MARGIN = 12  # further rows of pilots used on each side: work grows with the rows, and not with their cube


def lmmse_estimate(at_pilots: Array, grid: OfdmGrid, correlation: Correlation, n0: float) -> Estimate:
    r"""Wiener filter over rows and columns at once.

    .. math:: \hat h = r^H (R + N_0 I)^{-1} \hat h_p, \quad E|\hat h - h|^2 = E|h|^2 - r^H (R + N_0 I)^{-1} r

    R is the covariance of the channel at the pilots, r its covariance with the element wanted. Scattered taps share one
    Doppler spectrum, so R is the Kronecker product of a correlation over rows and one over columns and is inverted
    through their eigenvectors; a line of sight adds one known direction of unknown amplitude: the amplitude is
    estimated first, its wave taken off, and the rest filtered. That is the same estimate, and exact. Frames with many
    rows are worked on in windows of 24 to 47 rows of pilots and 12 more on each side. Clarke's correlation has no end:
    the error is larger than that of the whole, by less than a tenth of itself.

    Args:
        at_pilots: complex ``[..., P, Q]``: y / x of the pilots.
        grid: With at least one pilot.
        correlation: Of the channel; what the receiver is assumed to know of it, with n0.
        n0: Noise variance per pilot of unit energy, above 0.

    Raises:
        SignalError: another number of pilots than the grid has, or n0 is not above 0.

    Source: Hoeher, Kaiser & Robertson, Two-dimensional pilot-symbol-aided channel estimation by Wiener filtering,
    ICASSP 1997; Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, section 12.5.
    """
    check_pilots(at_pilots, grid)
    if not n0 > 0:
        raise SignalError(f"wiener filter: expected n0 above 0, got {n0}")
    z: Any = at_pilots
    h = zeros((*tuple(z.shape)[:-2], grid.rows, grid.subcarriers), z)
    variance = np.zeros((grid.rows, grid.subcarriers))
    count = grid.pilot_rows.size
    columns = _column_modes(grid, correlation)
    windows = max(count // _WINDOW, 1)
    bounds = [window * count // windows for window in range(windows + 1)]
    for start, end in itertools.pairwise(bounds):
        last = grid.rows if end == count else int(grid.pilot_rows[end])
        used = slice(max(start - _MARGIN, 0), min(end + _MARGIN, count))
        origin = grid.pilot_rows[used.start]  # geometry is relative to it, so that windows alike are reckoned once
        rows = range(grid.pilot_rows[start] - origin, last - origin)
        pilot_rows = grid.pilot_rows[used] - origin
        row_modes = _row_modes(tuple(pilot_rows.tolist()), rows, correlation.doppler)
        part, variance[grid.pilot_rows[start] : last] = _filter(
            z[..., used, :], pilot_rows, np.array(rows), row_modes, columns, correlation, n0
        )
        h[..., grid.pilot_rows[start] : last, :] = part
    return Estimate(h, variance)


class _Modes(NamedTuple):
    """Eigenvectors and eigenvalues of a covariance at the pilots, and the covariance of all places with them."""

    vectors: Any
    values: Any
    cross: Any


def _column_modes(grid: OfdmGrid, correlation: Correlation) -> _Modes:
    """L taps give a covariance of rank L at most, so that the singular vectors of the taps' waves are enough."""
    amplitudes = np.sqrt(correlation.energies)
    at_pilots, everywhere = (
        phasor(-np.outer(at, correlation.delays)) * amplitudes
        for at in (grid.pilot_columns.astype(float), np.arange(grid.subcarriers, dtype=float))
    )
    vectors, values, right = np.linalg.svd(at_pilots, full_matrices=False)
    return _Modes(vectors, values**2, product(everywhere, right.conj().T) * values)  # R_f U = S_d S_p^H U


@lru_cache(maxsize=64)
def _row_modes(pilot_rows: tuple[int, ...], rows: range, doppler: float) -> _Modes:
    at_pilots, everywhere = np.array(pilot_rows, np.float64), np.array(rows, np.float64)
    values, vectors = np.linalg.eigh(clarke_correlation(at_pilots[:, None] - at_pilots, doppler=doppler))
    cross = clarke_correlation(everywhere[:, None] - at_pilots, doppler=doppler)
    return _Modes(vectors, np.maximum(values, 0.0), product(cross, vectors))


def _filter(
    z: Any,
    pilot_rows: NDArray[np.intp],
    rows: NDArray[np.intp],
    row: _Modes,
    column: _Modes,
    correlation: Correlation,
    n0: float,
) -> tuple[Any, NDArray[np.float64]]:
    weights = 1 / (np.outer(row.values, column.values) + n0)

    def base(at_pilots: Any) -> Any:
        """Filter for the scattered taps alone."""
        modes = product(constant(row.vectors.T, at_pilots), at_pilots)
        modes = constant(weights, at_pilots) * product(modes, constant(column.vectors.conj(), at_pilots))
        return product(product(constant(row.cross, at_pilots), modes), constant(column.cross.T, at_pilots))

    known = product(product(row.cross**2, weights), (np.abs(column.cross) ** 2).T)
    variance = float(correlation.energies.sum()) - known
    if correlation.los_energy == 0:
        return base(z), np.maximum(variance, 0.0)
    wave = correlation.los(pilot_rows)[:, None] * np.ones(column.vectors.shape[0])
    # (R + n0 I)^-1 of the wave: within the span of the eigenvectors by their weights, outside of it by 1 / n0
    modes = product(product(row.vectors.T, wave), column.vectors.conj())
    inside = product(product(row.vectors, (weights - 1 / n0) * modes), column.vectors.T)
    direction = inside + wave / n0
    share = correlation.los_energy / (1 + correlation.los_energy * float(np.vdot(wave, direction).real))
    amplitude = share * (constant(direction.conj(), z) * z).sum(-1).sum(-1)
    # what a wave of amplitude one adds beyond its passage through the filter
    left = correlation.los(rows)[:, None] * np.ones(column.cross.shape[0]) - base(wave)
    variance = variance + np.abs(left) ** 2 * share
    return base(z) + constant(left, z) * amplitude[..., None, None], np.maximum(variance, 0.0)
