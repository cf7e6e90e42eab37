"""The base graphs of 5G NR, lifted to a code."""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....errors import MissingExtra, SignalError
from .segment import LIFTING_SIZES, BaseGraph

__all__ = ["LdpcCode", "ldpc_code", "load_base_graphs"]

TABLES = "phy/fec/ldpc/codes/5G_bg{}.csv"
INFORMATION_COLUMNS: dict[BaseGraph, int] = {1: 22, 2: 10}
SHAPES: dict[BaseGraph, tuple[int, int]] = {1: (46, 68), 2: (42, 52)}
CORE_ROWS = 4
"""Rows whose parity bits form the dual diagonal; each further row defines one further block of parity bits."""


@dataclass(frozen=True, eq=False)
class LdpcCode:
    r"""A quasi-cyclic code: every entry of the base graph is a cyclic shift of the Z x Z identity.

    .. math:: \bigoplus_{e \in \mathrm{row}} c_{\mathrm{column}(e)}[(i + \mathrm{shift}(e)) \bmod Z] = 0

    Attributes:
        base_graph: 1 or 2.
        z: Lifting size.
        rows: Rows of the base graph: 46 or 42.
        columns: Columns of the base graph, the two punctured ones included: 68 or 52.
        information_columns: The first of them, which carry information: 22 or 10.
        row_starts: int32 ``[rows + 1]``: the entries of row r are ``row_starts[r]`` to ``row_starts[r + 1] - 1``.
        entry_columns: int32 ``[entries]``: the column of each entry, ascending in a row.
        entry_shifts: int32 ``[entries]``: its cyclic shift, 0 to Z - 1.
    """

    base_graph: BaseGraph
    z: int
    rows: int
    columns: int
    information_columns: int
    row_starts: NDArray[np.int32]
    entry_columns: NDArray[np.int32]
    entry_shifts: NDArray[np.int32]

    def entries(self, row: int) -> list[tuple[int, int]]:
        """Column and shift of every entry of a row."""
        span = slice(self.row_starts[row], self.row_starts[row + 1])
        return list(zip(self.entry_columns[span].tolist(), self.entry_shifts[span].tolist(), strict=True))


@lru_cache(maxsize=64)
def ldpc_code(base_graph: BaseGraph, z: int) -> LdpcCode:
    """Lift a base graph.

    Args:
        base_graph: 1 or 2.
        z: Lifting size, one of the standard's 51.

    Raises:
        SignalError: there is no such lifting size.
        MissingExtra: Sionna, whose package holds the standard's tables, is not installed.

    Source: TS 38.212, section 5.3.2, Tables 5.3.2-1 to 5.3.2-3.
    """
    (*index,) = (number for number, sizes in enumerate(LIFTING_SIZES) if z in sizes)
    if not index:
        raise SignalError(f"LDPC: expected one of the lifting sizes of TS 38.212, Table 5.3.2-1, got {z}")
    rows, columns = SHAPES[base_graph]
    table = _base_graph_table(base_graph)
    starts = np.searchsorted(table[:, 0], np.arange(rows + 1)).astype(np.int32)
    arrays = starts, table[:, 1].astype(np.int32), (table[:, 2 + index[0]] % z).astype(np.int32)
    for array in arrays:
        array.setflags(write=False)
    return LdpcCode(base_graph, z, rows, columns, INFORMATION_COLUMNS[base_graph], *arrays)


def load_base_graphs() -> None:
    """Read both tables: what a chain lacks is then known before its first item.

    Raises:
        MissingExtra: Sionna, whose package holds the standard's tables, is not installed.
    """
    for base_graph in SHAPES:
        _base_graph_table(base_graph)


@lru_cache(maxsize=2)
def _base_graph_table(base_graph: BaseGraph) -> NDArray[np.int64]:
    """Rows ``(row, column, shift of set 0, ..., shift of set 7)``, by row and column."""
    found = importlib.util.find_spec("sionna")  # its package is not imported: that takes seconds and loads torch
    places = [] if found is None else [Path(place) / TABLES.format(base_graph) for place in _folders(found)]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise MissingExtra("codes/ldpc", "sionna", "links")
    table, row = [], 0
    with path.open(encoding="utf-8", newline="") as lines:
        for cells in list(csv.reader(lines, delimiter=";"))[2:]:
            row = int(cells[0]) if cells[0] else row  # the row's number stands only before its first entry
            table.append([row, *(int(float(cell)) for cell in cells[1:10])])
    return np.array(sorted(table), np.int64)


def _folders(spec: importlib.machinery.ModuleSpec) -> list[str]:
    return list(spec.submodule_search_locations or ())
