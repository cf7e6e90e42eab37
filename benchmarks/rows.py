"""Rows of a long measurement that are kept as they come, so that a run that was stopped goes on."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Rows"]


class Rows:
    """A table in a CSV file.

    Args:
        path: Of the file; rows that stand there are not measured again.

    Attributes:
        all: The rows, as numbers where they are numbers.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.all: list[dict[str, Any]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                self.all = [{name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)]

    def once(self, key: Mapping[str, Any], measure: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return the row of a key, measured if it is missing."""
        wanted = {name: _number(str(value)) for name, value in key.items()}
        for row in self.all:
            if all(row[name] == value for name, value in wanted.items()):
                return row
        row = {name: _number(str(value)) for name, value in (*key.items(), *measure().items())}
        self.all.append(row)
        print({name: _short(value) for name, value in row.items()}, flush=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w", newline="", encoding="utf-8") as file:
            names = list(dict.fromkeys(name for each in self.all for name in each))
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.all)
        return row


def _number(text: str) -> float | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(f"{float(text):.6g}")
    except ValueError:
        return text


def _short(value: float | str) -> float | str:
    return round(value, 4) if isinstance(value, float) and abs(value) > 1e-3 else value
