"""What a sweep leaves on disk: items as they come, a line or a file each time; the rest is made from them."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from ...blocks._measuring.files import Appended, make_folder, write_atomic
from ...errors import InputError, MissingExtra, RunError, UsageError
from .collect import MEASURED

__all__ = [
    "FILES",
    "Format",
    "Store",
    "column_of",
    "item_columns",
    "iter_items",
    "lock_folder",
    "open_store",
    "remove_results",
    "write_json",
    "write_table",
]

Format = Literal["csv", "parquet"]

IDENTITY = ("system", "graph_hash", "draw", "seq", "label", "digest")
"""Columns that say which item a row is, beside those of the grid."""

TEXTS = ("system", "graph_hash", "label", "digest")
WHOLE = ("draw", "seq")
FILES = ("items.csv", "items.parquet", "points.csv", "differences.csv", "sweep.json")
_NEVER_IN_A_LINE = str.maketrans({"\n": " ", "\r": " ", "\x00": " "})  # one item, one line: what a kill tears is a line


def item_columns(over: Sequence[str], beside: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns of the table of items: which item, its point of the grid, and what was measured.

    A measurement that the sweep goes over too (``cbr``) is called ``measured_cbr``; so is Es/N0 always.

    Args:
        over: Names of the grid's axes.
        beside: What is measured beside `MEASURED`.

    Raises:
        UsageError: an axis has the name of a column that says which item it is.
    """
    for name in over:
        if name in IDENTITY:
            raise UsageError(f"--over {name}: the tables use this name; call the variable otherwise")
    return (*IDENTITY[:2], *over, *IDENTITY[2:], *(column_of(name, over) for name in (*MEASURED, *beside)))


def column_of(name: str, over: Sequence[str]) -> str:
    """The column of a measurement."""
    return f"measured_{name}" if name in over or name == "esn0_db" else name


class Store(Protocol):
    """Where items go; what `append` got is there after a crash."""

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add items."""
        ...

    def close(self) -> None:
        """Close the table."""
        ...


def open_store(folder: Path, kind: Format, over: Sequence[str], beside: Sequence[str] = ()) -> Store:
    """Open the table of items to add to it; a line that a crash tore is cut off.

    Raises:
        MissingExtra: parquet, and pyarrow is not installed.
        RunError: it cannot be written.
        UsageError: the table that is there has other columns.
    """
    columns = item_columns(over, beside)
    return _Csv(folder / "items.csv", columns) if kind == "csv" else _Parquet(folder / "items.parquet", columns)


def iter_items(folder: Path) -> Iterator[dict[str, Any]]:
    """Read the items of a sweep, in the order of the table: numbers as numbers, empty cells as None.

    The values of the grid stay texts, as `over.value_text` writes them. A last line that is not whole is left out.

    Raises:
        InputError: there is no table of items, or one of its lines is not what a sweep writes.
    """
    if (folder / "items.csv").is_file():
        yield from _read_csv(folder / "items.csv")
    elif (folder / "items.parquet").is_dir():
        yield from _read_parquet(folder / "items.parquet")
    else:
        raise InputError(f"{folder}: expected the folder of a sweep, with items.csv or items.parquet; `semcom sweep`")


def lock_folder(folder: Path) -> int:
    """Make the folder, and keep other sweeps out of it until the file descriptor is closed.

    Raises:
        RunError: another sweep is writing to it, or it cannot be written.
    """
    make_folder(str(folder))
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise RunError(f"{folder}: another sweep is writing to it; wait for it, or give another --out") from None
    return descriptor


def remove_results(folder: Path) -> None:
    """Remove what a sweep wrote, and nothing else."""
    for name in FILES:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a small table as CSV, whole or not at all."""
    write_atomic(path, "".join([_line(columns), *(_line(_cells(row, columns)) for row in rows)]).encode())


class _Csv:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace", newline="") as stream:
                head = stream.readline()
            if head.endswith("\n") and head != _line(columns):
                raise _other_columns(path)
        self._columns = columns
        self._file = Appended(path, go_on=True)
        if self._file.empty:
            self._file.append(_line(columns))

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._file.append("".join(_line(_cells(row, self._columns)) for row in rows))

    def close(self) -> None:
        self._file.close()


class _Parquet:
    """A folder of files, one an `append`; a file has its name when it is whole."""

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        _pyarrow()
        make_folder(str(folder))
        for torn in folder.glob(".part-*"):
            torn.unlink()
        self._folder, self._columns = folder, columns
        parts = sorted(folder.glob("part-*.parquet"))
        if parts and _parquet_columns(parts[0]) != list(columns):
            raise _other_columns(folder)
        self._next = max((int(path.stem.removeprefix("part-")) for path in parts), default=-1) + 1

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        arrow, parquet = _pyarrow()
        fields = [(name, _arrow_type(arrow, name, self._columns)) for name in self._columns]
        plain = [{name: _typed(name, row.get(name)) for name in self._columns} for row in rows]
        table = arrow.Table.from_pylist(plain, schema=arrow.schema(fields))
        sink = io.BytesIO()
        parquet.write_table(table, sink)
        write_atomic(self._folder / f"part-{self._next:06d}.parquet", sink.getvalue())
        self._next += 1

    def close(self) -> None:
        pass


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("semcom sweep --format parquet", "pyarrow", "sweep") from None
    return pyarrow, parquet


def _arrow_type(arrow: Any, name: str, columns: Sequence[str]) -> Any:
    if name in WHOLE:
        return arrow.int64()
    measured = columns[columns.index("digest") + 1 :]
    return arrow.float64() if name in measured else arrow.string()


def _typed(name: str, value: Any) -> Any:
    return float(value) if isinstance(value, int | float) and name not in WHOLE else value


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:  # what is damaged is said line by line
        head = next(csv.reader([stream.readline()]), [])
        if "digest" not in head:
            raise InputError(f"{path}: expected the items of a sweep, got other columns")
        measured = set(head[head.index("digest") + 1 :])
        for number, line in enumerate(stream, 2):
            if not line.endswith("\n"):
                return
            cells = next(csv.reader([line]), [])
            try:
                yield {
                    name: _number(cell) if name in measured else int(cell) if name in WHOLE else cell
                    for name, cell in zip(head, cells, strict=True)
                }
            except ValueError:
                raise InputError(
                    f"{path}:{number}: not a line of a sweep; delete it, and `semcom sweep` measures the item again"
                ) from None


def _read_parquet(folder: Path) -> Iterator[dict[str, Any]]:
    _, parquet = _pyarrow()
    for path in sorted(folder.glob("part-*.parquet")):
        try:
            table = parquet.read_table(path)
        except (OSError, ValueError) as error:
            raise _damaged(path, error) from None
        yield from table.to_pylist()


def _parquet_columns(path: Path) -> list[str]:
    _, parquet = _pyarrow()
    try:
        return list(parquet.read_schema(path).names)
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _other_columns(path: Path) -> UsageError:
    return UsageError(f"{path}: has other columns than this sweep; give another --out, or --fresh")


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: cannot be read: {error}; delete it, and its items are measured again")


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _cells(row: Mapping[str, Any], columns: Sequence[str]) -> Iterator[Any]:
    for name in columns:
        value = row.get(name)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            yield ""
        elif isinstance(value, float):
            yield f"{value:.9g}"
        else:
            yield value.translate(_NEVER_IN_A_LINE) if isinstance(value, str) else value


def _line(cells: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all."""
    write_atomic(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode(errors="backslashreplace"))
