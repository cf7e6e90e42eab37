"""Shows a run while it runs: a live table on a terminal, a plain line now and then elsewhere. All of it on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

__all__ = ["Progress", "Row", "rates"]

FIRST_LINE_S = 2.0
LINE_EVERY_S = 30.0

Row = tuple[str, int, float, float, int, int]
"""Block, items, items/s, busy share, queue, drops."""


class Progress:
    """Takes status after status of a run and shows it.

    A status is ``{"elapsed_s": 1.5, "blocks": {"encoder": {"items": 12, "busy_s": 0.7, "queue": 3, "dropped": 0}}}``.

    Args:
        name: The flowgraph's name.
        quiet: Show nothing.
        stream: Where to; standard error by default.
        style: ``auto`` shows a table on a terminal and lines elsewhere.
    """

    def __init__(
        self,
        name: str = "",
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        style: Literal["auto", "table", "lines"] = "auto",
    ) -> None:
        self._name = name
        self._stream = stream or sys.stderr
        self._style = "nothing" if quiet else style
        if self._style == "auto":
            self._style = "table" if self._stream.isatty() else "lines"
        self._before: Mapping[str, Any] = {"elapsed_s": 0.0, "blocks": {}}
        self._next_line_s = FIRST_LINE_S
        self._live: Any = None

    def update(self, status: Mapping[str, Any]) -> None:
        """Show a status."""
        if self._style == "table":
            self._draw(status)
        elif self._style == "lines" and status["elapsed_s"] >= self._next_line_s:
            self._next_line_s = min(2 * status["elapsed_s"], status["elapsed_s"] + LINE_EVERY_S)
            self._write_line(status)

    def close(self) -> None:
        """Leave the terminal as it was; the last table stays."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _draw(self, status: Mapping[str, Any]) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.table import Table

        title = f"{self._name}  {status['elapsed_s']:.1f} s{_unmet(status)}"
        table = Table(title=title, title_justify="left", pad_edge=False)
        table.add_column("block")
        for head in ("items", "items/s", "busy", "queue", "drops"):
            table.add_column(head, justify="right")
        for block, items, per_s, busy, queue, dropped in rates(self._before, status):
            style = "bold" if busy >= 0.8 else ""
            table.add_row(
                block, str(items), f"{per_s:.1f}", f"{busy:.0%}", str(queue), str(dropped or "-"), style=style
            )
        self._before = status
        if self._live is None:
            self._live = Live(console=Console(file=self._stream), auto_refresh=False, redirect_stdout=False)
            self._live.start()
        self._live.update(table, refresh=True)

    def _write_line(self, status: Mapping[str, Any]) -> None:
        parts = []
        for block, items, per_s, busy, queue, dropped in rates(self._before, status):
            drops = f", {dropped} dropped" if dropped else ""
            parts.append(f"{block} {items} ({per_s:.1f}/s, {busy:.0%} busy, queue {queue}{drops})")
        self._before = status
        print(f"{status['elapsed_s']:.0f} s: {'; '.join(parts)}{_unmet(status)}", file=self._stream, flush=True)


def _unmet(status: Mapping[str, Any]) -> str:
    waits = status.get("unmet")
    return f"; waits for the other end of {', '.join(waits)}" if waits else ""


def rates(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Row]:
    """Return a row for each block: its speed and its busy share are those since ``before``."""
    span = max(now["elapsed_s"] - before["elapsed_s"], 1e-9)
    rows: list[Row] = []
    for name, block in now["blocks"].items():
        old = before["blocks"].get(name, {"items": 0, "busy_s": 0.0})
        rows.append(
            (
                name,
                block["items"],
                max(0.0, (block["items"] - old["items"]) / span),
                min(1.0, max(0.0, (block["busy_s"] - old["busy_s"]) / span)),
                block.get("queue", 0),
                block.get("dropped", 0),
            )
        )
    return rows
