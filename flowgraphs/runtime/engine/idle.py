"""Waits until a source of a running flowgraph has no more to give."""

from __future__ import annotations

import time
from typing import Any, Final

from ....errors import ControlError, suggestion
from .control import request

__all__ = ["wait_until_idle"]

LOOK_EVERY_S: Final = 0.2
IDLE_S: Final = 1.0  # twice as long as processes take to say what they did


def wait_until_idle(run: str | None, block: str) -> None:
    """Return once a block has given nothing for a second, and nothing that it gave waits on an edge.

    Args:
        run: The flowgraph's name or the process id of `semcom run`; ``None``: the only one that runs.
        block: A source: what a radio sends, or what a file holds that is written elsewhere.

    Raises:
        ControlError: no such run or block, or the run has ended.
    """
    before, since = None, 0.0
    while True:
        status = request(run, {"do": "status"})
        if block not in status["blocks"]:
            raise ControlError(f"--when-idle {block}: no such block{suggestion(block, status['blocks'])}")
        now, given = time.monotonic(), _given(status, block)
        if not status["running"] or given != before:
            before, since = given, now
        elif now - since >= IDLE_S and not given[1]:
            return
        time.sleep(LOOK_EVERY_S)


def _given(status: dict[str, Any], block: str) -> tuple[int, int]:
    """How many items a block has given, and how many of them wait on its edges."""
    edges = [count for edge, count in status["edges"].items() if edge.startswith(f"{block}.")]
    return status["blocks"][block]["items"], sum(edge["into"] - edge["out"] - edge["dropped"] for edge in edges)
