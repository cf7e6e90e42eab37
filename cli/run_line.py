"""Shows a run while it goes on: one line that is rewritten on a terminal, a short line every ten seconds elsewhere.

All of it on standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TextIO

__all__ = ["Row", "RunLine", "latency_s", "rates"]

LINE_EVERY_S = 10.0

Row = tuple[str, int, float, float, int, int]
"""Block, items, items/s, busy share, queue, drops."""


class RunLine:
    """Takes status after status of a run and shows it on one line.

    A status is ``{"elapsed_s": 1.5, "blocks": {"encoder": {"items": 12, "busy_s": 0.7, "queue": 3, "dropped": 0}}}``.

    Args:
        name: The flowgraph's name.
        sinks: Its sinks: how far it is shows at the slowest of them; where none is here, at the slowest block.
        quiet: Show nothing.
        stream: Where to; standard error by default.
        style: ``auto`` rewrites the line on a terminal and adds one now and then elsewhere.
    """

    def __init__(
        self,
        name: str = "",
        *,
        sinks: Iterable[str] = (),
        quiet: bool = False,
        stream: TextIO | None = None,
        style: Literal["auto", "rewritten", "added"] = "auto",
    ) -> None:
        self._name, self._sinks = name, frozenset(sinks)
        self._stream = stream or sys.stderr
        self._style = "nothing" if quiet else style
        if self._style == "auto":
            self._style = "rewritten" if self._stream.isatty() else "added"
        self._before: Mapping[str, Any] = {"elapsed_s": 0.0, "blocks": {}}
        self._next_s = LINE_EVERY_S
        self._live: Any = None

    def update(self, status: Mapping[str, Any]) -> None:
        """Show a status."""
        if self._style == "rewritten":
            self._rewrite(self._line(status))
        elif self._style == "added" and status["elapsed_s"] >= self._next_s:
            self._next_s = status["elapsed_s"] + LINE_EVERY_S
            print(self._line(status), file=self._stream, flush=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> RunLine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _rewrite(self, line: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        text = Text(line, no_wrap=True, overflow="ellipsis")
        if self._live is None:
            console = Console(file=self._stream)
            self._live = Live(text, console=console, auto_refresh=False, redirect_stdout=False, transient=True)
            self._live.start()
        self._live.update(text, refresh=True)

    def _line(self, status: Mapping[str, Any]) -> str:
        before, self._before = self._before, status
        rows = rates(before, status)
        ends = [row for row in rows if row[0] in self._sinks] or rows
        parts = [f"{self._name}  {status['elapsed_s']:.0f} s"]
        if ends:
            slowest, items, per_s, *_ = min(ends, key=lambda row: row[1])
            late_s = latency_s(before, status, slowest)
            parts.append(f"{items} items, {per_s:.1f}/s" + ("" if late_s is None else f", {1000 * late_s:.0f} ms late"))
            name, _, _, busy, queue, _ = max(rows, key=lambda row: row[3])
            parts.append(f"busiest {name} {busy:.0%}" + (f", {queue} wait" if queue else ""))
        if dropped := sum(row[5] for row in rows):
            parts.append(f"{dropped} dropped")
        if unmet := status.get("unmet"):
            more = f" and {len(unmet) - 1} more" if len(unmet) > 1 else ""
            parts.append(f"waits for the other end of {unmet[0]}{more}")
        return "; ".join(parts)


def latency_s(before: Mapping[str, Any], now: Mapping[str, Any], block: str) -> float | None:
    """Mean time from source to a sink of what came since ``before``; None where it measures none, or nothing came."""
    count, total = now["blocks"][block].get("latency") or (0, 0.0)
    old_count, old_total = before["blocks"].get(block, {}).get("latency") or (0, 0.0)
    if count < old_count:  # the block was exchanged
        old_count, old_total = 0, 0.0
    return (total - old_total) / (count - old_count) if count > old_count else None


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
