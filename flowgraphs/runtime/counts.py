"""What edges and blocks count while a run goes on; plain values, which cross from worker processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["BlockReport", "EdgeCount"]


@dataclass
class EdgeCount:
    """Items of one edge: put in, taken out, dropped because it was full, and proved missing at a join.

    Attributes:
        diagnostics: Of an edge between processes or places: what its protocol did against losses and strangers: items
            ``resent``, ``doubles`` dropped, senders ``refused``, messages that were ``garbage``.
    """

    into: int = 0
    out: int = 0
    dropped: int = 0
    missing: int = 0
    diagnostics: dict[str, int] = field(default_factory=dict)


@dataclass
class BlockReport:
    """What one block did: plain values, so that it crosses from worker processes.

    Attributes:
        items: Calls of `work`, or items made by a source.
        busy_s: Time inside the block.
        measured: Name → (count, sum) of what a sink measured.
        files: Paths that a sink wrote.
        changes: Live changes: which item came first after it, and what changed.
        doubled: Frames that it found twice in a stream.
        withheld: Items that went in and never came out: the block returned None for them.
        tables: Path → rows of the tables that a sink wrote, as they are on disk at the end.
        counted: What the block counted, by name.
        named: Numbers of the items that it counted, where they have some: the first 1000 of each name.
        late: Frames that it found after a later one; where their items are joined they count as missing.
    """

    items: int = 0
    busy_s: float = 0.0
    measured: dict[str, tuple[int, float]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    doubled: int = 0
    late: int = 0
    withheld: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[int]] = field(default_factory=dict)
