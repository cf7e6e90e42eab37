"""Tables that a training writes row by row; killed at any time, it goes on with them."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["append_row", "forget_after"]


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a CSV file; a new file begins with the names of the columns.

    Args:
        path: The file; made if missing.
        row: By column, in order; the first is the step.
    """
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def forget_after(step: int, path: Path) -> None:
    """Drop the rows that were written after the checkpoint was: their steps will be taken again.

    A row that was cut off in the middle goes too, and a file that no row is left of. Without the file nothing happens.

    Args:
        step: Of the checkpoint; 0 where there is none.
        path: A file of `append_row`.
    """
    if not path.exists():
        return
    head, *rows = path.read_text(encoding="utf-8").splitlines() or [""]
    columns = head.count(",")
    kept = [row for row in rows if row.count(",") == columns and int(row.partition(",")[0]) <= step]
    if not kept:
        path.unlink()
        return
    part = path.with_name(path.name + ".part")
    part.write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
    os.replace(part, path)
