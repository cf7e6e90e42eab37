"""A flowgraph that runs in a thread until it is stopped: a source of samples from elsewhere has no end of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run


class Going:
    """A run, to be stopped when enough has come."""

    def __init__(self, text: str, executor: str = "threads") -> None:
        Path("going.yaml").write_text(text)
        self._results: list[RunResult] = []
        self._thread = threading.Thread(
            target=lambda: self._results.append(run(load_graph("going.yaml"), RunOptions(executor)))
        )
        self._thread.start()

    def until(self, enough: Callable[[], bool], within_s: float = 60.0) -> None:
        deadline = time.monotonic() + within_s
        while not enough():
            assert time.monotonic() < deadline, "not enough came"
            assert self._thread.is_alive(), "the run ended"
            time.sleep(0.05)

    def stop(self) -> RunResult:
        request(None, {"do": "stop"})
        self._thread.join(20)
        return self._results[0]
