"""The grid that gives symbols a time base: rows are OFDM symbols, columns subcarriers, with pilots in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["OfdmGrid", "intercarrier_energy", "lay_out", "pilot_positions"]


@dataclass(frozen=True)
class OfdmGrid:
    """Which element of the grid carries what; made by `lay_out`.

    A grid of one subcarrier is single-carrier transmission with pilots multiplexed in time.

    Attributes:
        rows: OFDM symbols.
        subcarriers: Used subcarriers.
        payload_symbols: How many elements carry payload; what is left in the last rows carries nothing.
        pilot_rows: int ``[P]``, rows with pilots; empty without pilots.
        pilot_columns: int ``[Q]``, subcarriers that carry pilots in those rows.
    """

    rows: int
    subcarriers: int
    payload_symbols: int
    pilot_rows: NDArray[np.intp]
    pilot_columns: NDArray[np.intp]

    @property
    def pilots(self) -> int:
        """Pilots in the grid."""
        return int(self.pilot_rows.size * self.pilot_columns.size)

    @property
    def filled(self) -> float:
        """Share of the elements that carry payload or a pilot; 1 for an empty grid."""
        elements = self.rows * self.subcarriers
        return (self.payload_symbols + self.pilots) / elements if elements else 1.0

    @cached_property
    def payload(self) -> NDArray[np.intp]:
        """Elements of the payload in the order of sending, int ``[payload_symbols]``: row * subcarriers + column."""
        free = np.ones((self.rows, self.subcarriers), bool)
        free[np.ix_(self.pilot_rows, self.pilot_columns)] = False
        return np.flatnonzero(free)[: self.payload_symbols]


def pilot_positions(length: int, spacing: int) -> NDArray[np.intp]:
    """Pilots at 0, ``spacing``, 2 ``spacing`` and so on, and at the very end: nothing is extrapolated.

    Args:
        length: Rows or columns there are.
        spacing: From one pilot to the next, at least 1.

    Example:
        >>> pilot_positions(9, 3).tolist(), pilot_positions(7, 3).tolist()
        ([0, 3, 6, 8], [0, 3, 6])
    """
    return np.unique(np.append(np.arange(0, length, spacing), length - 1)) if length else np.empty(0, np.intp)


def lay_out(payload_symbols: int, subcarriers: int, *, pilot_spacing: tuple[int, int] | None = None) -> OfdmGrid:
    """Lay payload out row by row, around the pilots, in as few rows as it needs.

    Args:
        payload_symbols: How many there are.
        subcarriers: Used subcarriers of a row.
        pilot_spacing: Rows from one row with pilots to the next, subcarriers from one pilot to the next; ``None``: no
            pilots. The first and the last row, and their first and last subcarrier, have pilots always.

    Raises:
        SignalError: no subcarrier, a spacing below 1 or beyond the subcarriers, or no room beside the pilots.
    """
    if subcarriers < 1 or payload_symbols < 0:
        raise SignalError(f"grid: expected at least 1 subcarrier, got {subcarriers} for {payload_symbols} symbols")
    none = np.empty(0, np.intp)
    if pilot_spacing is None or payload_symbols == 0:
        return OfdmGrid(-(-payload_symbols // subcarriers), subcarriers, payload_symbols, none, none)
    every_row, every_column = pilot_spacing
    if every_row < 1 or not 1 <= every_column <= subcarriers:
        raise SignalError(
            f"grid: expected pilots every 1 row or more and every 1 to {subcarriers} subcarriers, "
            f"got {every_row} and {every_column}"
        )
    columns = pilot_positions(subcarriers, every_column)
    if every_row == 1 and columns.size == subcarriers:
        raise SignalError(
            f"grid: pilots every {every_row} row and {every_column} of {subcarriers} subcarriers leave no room for "
            "payload; space them further apart"
        )

    def room(rows: int) -> int:
        pilot_rows = 1 + (rows - 1) // every_row + ((rows - 1) % every_row > 0)
        return rows * subcarriers - pilot_rows * columns.size

    # room() never falls with the rows: the least that fits, by bisection
    low, high = 1, 1
    while room(high) < payload_symbols:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if room(middle) >= payload_symbols else (middle + 1, high)
    return OfdmGrid(low, subcarriers, payload_symbols, pilot_positions(low, every_row), columns)


def intercarrier_energy(doppler_hz: float, subcarrier_spacing_hz: float) -> float:
    r"""Mean energy that reaches a subcarrier from the others as the channel changes within an OFDM symbol.

    .. math:: P = \frac{(2 \pi f_D / \Delta f)^2}{24}

    A tight upper bound for Clarke's spectrum and many subcarriers of unit energy.

    Args:
        doppler_hz: Greatest Doppler shift in Hz.
        subcarrier_spacing_hz: In Hz.

    Source: Li & Cimini, Bounds on the interchannel interference of OFDM in time-varying impairments, IEEE Trans.
    Commun. 49(3), 2001.
    """
    return (2 * math.pi * doppler_hz / subcarrier_spacing_hz) ** 2 / 24
