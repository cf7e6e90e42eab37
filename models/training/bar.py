"""A progress bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .run import Run

__all__ = ["bar_of"]


@contextmanager
def bar_of(run: Run[Any, Any]) -> Iterator[Callable[[str], Any]]:
    """A bar where rich is installed and somebody looks; yields what moves it and puts a text beside it."""
    try:
        from rich.progress import Progress
    except ImportError:
        yield lambda text: None
        return
    with Progress(disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(run.system.name, total=1.0)
        yield lambda text: bar.update(task, completed=run.progress(), description=f"{run.system.name} {text}")
