"""Recorded channels: a trace of SNR, gain or impulse response, read from a file and sampled at any time."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, SignalError

__all__ = ["Recording", "read_recording", "sample_recording"]

Kind = Literal["esn0_db", "gain", "impulse_response"]

MAX_BYTES = 1 << 28
MAX_TAPS = 4096
_LARGEST = 1e6  # of a gain: what is beyond is no channel
_LARGEST_DB = 200.0  # of a level: a number such as -999 stands for one that was not measured
_EVEN = 1e-3  # by which a time step may differ from the others


class Recording(NamedTuple):
    """A trace.

    Attributes:
        values: One row a time step: float64 ``[T]`` in dB, complex128 ``[T]``, or complex128 ``[T, taps]``.
        step_s: Duration of a step in seconds; ``None`` where the file has no times.
    """

    values: NDArray[Any]
    step_s: float | None


def read_recording(path: str | Path, kind: Kind) -> Recording:
    """Read a trace from a CSV or NPZ file.

    A CSV file has one line of column names: ``esn0_db``; or ``re,im``; or ``re0,im0,re1,im1,...``; and may have
    ``time_s`` before them. Lines that begin with ``#`` are left out, and empty ones, but not between the values of a
    single column. An NPZ file has an array ``esn0_db`` ``[T]``, ``gain`` complex ``[T]`` or ``impulse_response``
    complex ``[T, taps]``, and may have ``time_s`` ``[T]``.

    Args:
        path: The file; its ending says which.
        kind: What it holds.

    Raises:
        InputError: it cannot be read, lacks the columns, has values that are not finite, or times that do not rise in
            equal steps; the message names file and line (or row of an array, counted from 0).
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: expected a trace of at most {MAX_BYTES >> 20} MiB, got more")
        if path.suffix.lower() not in _READERS:
            raise InputError(f"{path}: expected a trace that ends in .csv or .npz")
        table = _READERS[path.suffix.lower()](path, kind)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    values = table.values
    if values.shape[0] == 0:
        raise InputError(f"{path}: expected at least one time step, got none")
    flat = np.abs(values.reshape(values.shape[0], -1)).max(axis=1)
    largest = _LARGEST_DB if kind == "esn0_db" else _LARGEST
    wrong = np.flatnonzero(~(flat <= largest))  # NaN is not less than anything
    if wrong.size:
        raise InputError(f"{table.where(wrong[0])}: expected finite numbers up to {largest:g}, got {values[wrong[0]]}")
    return Recording(values, _step_s(table))


def sample_recording(
    values: NDArray[Any],
    steps: NDArray[np.floating],
    *,
    interpolation: Literal["hold", "linear"] = "hold",
    at_end: Literal["repeat", "hold", "fail"] = "repeat",
) -> NDArray[Any]:
    r"""Values of a trace at given times.

    .. math:: v(t) = v_{\lfloor t \rfloor} \quad\text{or}\quad
        v(t) = (1 - a)\, v_{\lfloor t \rfloor} + a\, v_{\lfloor t \rfloor + 1}, \quad a = t - \lfloor t \rfloor

    Args:
        values: ``[T, ...]``, one row a time step.
        steps: ``[n]``: t, times in steps from the start, at least 0.
        interpolation: ``hold`` the last value, or ``linear`` between two; what is in dB stays in dB.
        at_end: After the last step begin again, hold the last value, or fail.

    Returns:
        ``[n, ...]``.

    Raises:
        SignalError: a time lies behind the end and ``at_end`` is ``fail``, or before the start.
    """
    count = values.shape[0]
    if steps.size and not steps.min() >= 0:
        raise SignalError(f"trace: expected times of at least 0, got {steps.min()}")
    if at_end == "fail" and steps.size and steps.max() >= count:
        raise SignalError(f"trace: step {int(steps.max())} is wanted, the trace has {count}; at_end: repeat or hold")
    below = np.floor(steps).astype(np.int64)
    if interpolation == "hold":
        return values[_at(below, count, at_end)]
    share = (steps - below).reshape(-1, *[1] * (values.ndim - 1))
    low, high = values[_at(below, count, at_end)], values[_at(below + 1, count, at_end)]
    return np.asarray((1 - share) * low + share * high)


def _at(steps: NDArray[np.int64], count: int, at_end: str) -> NDArray[np.int64]:
    return steps % count if at_end == "repeat" else np.minimum(steps, count - 1)


class _Table(NamedTuple):
    path: Path
    values: NDArray[Any]
    times: NDArray[np.float64] | None
    lines: NDArray[np.int64] | None  # of each row in a text file

    def where(self, row: int) -> str:
        return f"{self.path}: row {row}" if self.lines is None else f"{self.path}:{self.lines[row]}"


def _step_s(table: _Table) -> float | None:
    times = table.times
    if times is None or times.size < 2:
        return None
    steps = np.diff(times)
    wrong = np.flatnonzero(~(steps > 0))
    if wrong.size:
        row = int(wrong[0]) + 1
        raise InputError(f"{table.where(row)}: time_s: expected more than {times[row - 1]:g}, got {times[row]:g}")
    step = float(np.median(steps))
    wrong = np.flatnonzero(~(np.abs(steps - step) <= _EVEN * step))
    if wrong.size:
        row = int(wrong[0]) + 1
        raise InputError(
            f"{table.where(row)}: time_s: expected {times[row - 1] + step:g} after steps of {step:g} s, got "
            f"{times[row]:g}: fill the gap, or leave out time_s"
        )
    return step


def _read_csv(path: Path, kind: Kind) -> _Table:
    rows: list[list[float]] = []
    lines: list[int] = []
    names: list[str] = []
    blank = 0  # the first of the empty lines since the last row
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not row or "".join(row).isspace():
                    blank = blank or reader.line_num
                    continue
                if cells[0].startswith("#"):
                    continue
                if blank and rows and len(names) == 1:  # of one column: a value that is missing
                    raise InputError(f"{path}:{blank}: {names[0]}: expected a number, got an empty line: fill the gap")
                blank = 0
                if not names:
                    names = cells
                    _check_names(path, reader.line_num, names, kind)
                    continue
                rows.append(_numbers(cells, names, f"{path}:{reader.line_num}"))
                lines.append(reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV file in UTF-8: {error}") from None
    if not names:
        raise InputError(f"{path}: expected a line of column names: {_WANTED[kind]}")
    data = np.array(rows, np.float64).reshape(len(rows), len(names))
    times = data[:, 0] if names[0] == "time_s" else None
    data = data if times is None else data[:, 1:]
    values: NDArray[Any] = data[:, 0] if kind == "esn0_db" else data[:, 0::2] + 1j * data[:, 1::2]
    return _Table(path, values[:, 0] if kind == "gain" else values, times, np.array(lines, np.int64))


def _numbers(cells: list[str], names: list[str], where: str) -> list[float]:
    if len(cells) != len(names):
        raise InputError(f"{where}: expected {len(names)} columns ({', '.join(names[:6])}), got {len(cells)}")
    numbers = []
    for name, cell in zip(names, cells, strict=True):
        try:
            numbers.append(float(cell))
        except ValueError:
            raise InputError(f"{where}: {name}: expected a number, got {cell[:40]!r}") from None
    return numbers


def _check_names(path: Path, line: int, names: list[str], kind: Kind) -> None:
    found = names[1:] if names[:1] == ["time_s"] else names
    taps = len(found) // 2
    wanted = {"esn0_db": ["esn0_db"], "gain": ["re", "im"]}.get(
        kind, [f"{part}{tap}" for tap in range(max(taps, 1)) for part in ("re", "im")]
    )
    if found != wanted or taps > MAX_TAPS:
        raise InputError(f"{path}:{line}: expected the columns {_WANTED[kind]}, got {','.join(names)[:80]}")


def _read_npz(path: Path, kind: Kind) -> _Table:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise InputError(f"{path}: expected a trace of at most {MAX_BYTES >> 20} MiB, got more")
        with np.load(path, allow_pickle=False) as arrays:
            names = arrays.files
            values = arrays[kind] if kind in names else None
            times = arrays["time_s"].astype(np.float64) if "time_s" in names else None
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, MemoryError) as error:
        raise InputError(f"{path}: expected an NPZ file of arrays without pickles: {error}") from None
    if values is None:
        raise InputError(f"{path}: expected an array {kind}, got {', '.join(names)[:80] or 'none'}")
    axes = 2 if kind == "impulse_response" else 1
    if values.ndim != axes or values.dtype.kind not in ("iuf" if kind == "esn0_db" else "iufc"):
        shape = "[T, taps]" if axes == 2 else "[T]"
        raise InputError(f"{path}: {kind}: expected numbers {shape}, got {values.dtype} {list(values.shape)}")
    if axes == 2 and not 1 <= values.shape[1] <= MAX_TAPS:
        raise InputError(f"{path}: {kind}: expected 1 to {MAX_TAPS} taps, got {values.shape[1]}")
    if times is not None and times.shape != values.shape[:1]:
        raise InputError(f"{path}: time_s: expected one a row, {values.shape[0]}, got {list(times.shape)}")
    return _Table(path, values.astype(np.float64 if kind == "esn0_db" else np.complex128), times, None)


_READERS = {".csv": _read_csv, ".npz": _read_npz}
_WANTED = {
    "esn0_db": "[time_s,]esn0_db",
    "gain": "[time_s,]re,im",
    "impulse_response": "[time_s,]re0,im0,re1,im1,...",
}
