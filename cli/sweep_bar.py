"""Shows a sweep while it runs: a bar on a terminal, nothing elsewhere; notes are printed above it. All on stderr."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["SweepBar"]


class SweepBar:
    """A bar of items.

    Args:
        quiet: Show nothing but what failed.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._shown = not quiet and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def note(self, text: str) -> None:
        """Print a line."""
        if self._quiet and not text.startswith("failed"):
            return
        line = text if text.startswith("failed") else f"note: {text}"
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def update(self, done: int, wanted: int) -> None:
        """Show how far it is."""
        if not self._shown:
            return
        if self._bar is None:
            self._begin()
        self._bar.update(self._task, completed=done, total=wanted)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> SweepBar:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("sweep"), BarColumn(), MofNCompleteColumn(), TextColumn("items"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._task = self._bar.add_task("sweep", total=None)
        self._bar.start()
