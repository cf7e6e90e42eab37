"""Blocks that wait for a peer: `stop` gets through to them, and what they count is in the run's record."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from semcom.cli.summary import summary
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

PLUGINS = Path(__file__).parents[1] / "plugins"
STREAMING = ["threads", "processes"]
SOON_S = 5.0  # on a busy machine; a block that does not hear of it is waited for ten seconds, and does not let go


def graph(source: str, sink: str):
    Path("waiting.yaml").write_text(
        f"semcom: 1\nname: waiting\nblocks:\n  a: {{use: {source}}}\n  b: {{use: {sink}}}\nconnect: [a -> b]\n"
    )
    return load_graph("waiting.yaml")


def stopped(source: str, sink: str, executor: str, *, when) -> tuple[RunResult, float]:
    """Run in a thread, stop once ``when`` holds, and return the result and how long stopping took."""
    results: list[RunResult] = []
    running = threading.Thread(target=lambda: results.append(run(graph(source, sink), RunOptions(executor))))
    running.start()
    deadline = time.monotonic() + 30
    while not when() and time.monotonic() < deadline:
        time.sleep(0.02)
    began = time.monotonic()
    request(None, {"do": "stop"})
    running.join(20)
    return results[0], time.monotonic() - began


def is_going() -> bool:
    try:
        return bool(request(None, {"do": "status"})["running"])
    except Exception:
        return False


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", STREAMING)
def test_a_source_that_waits_is_stopped_and_lets_go(executor):
    result, took_s = stopped(f"{PLUGINS}/patient.py", "sinks/null", executor, when=is_going)
    assert result.status == "stopped"
    assert took_s < SOON_S
    assert result.blocks["a"].items == 0
    assert Path("let-go").exists()


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", STREAMING)
def test_a_sink_that_waits_is_stopped_and_what_it_lost_is_told(executor):
    result, took_s = stopped(
        f"{PLUGINS}/numbers.py, count: 3", f"{PLUGINS}/stuck.py", executor, when=Path("stuck").exists
    )
    assert result.status == "stopped"
    assert took_s < SOON_S
    assert result.lossy
    assert json.loads(Path(result.record).read_text())["counted"] == {"b": {"lost_items": 3}}


@pytest.mark.parametrize("executor", ["inline", *STREAMING])
def test_a_source_goes_on_when_its_peer_comes(executor):
    threading.Timer(0.5, lambda: Path("come").write_text("0 5 7")).start()
    result = run(graph(f"{PLUGINS}/patient.py", "sinks/null"), RunOptions(executor, items=3))
    assert (result.status, result.blocks["a"].items, result.blocks["b"].items) == ("ok", 3, 3)
    assert result.blocks["a"].counted == {"lost_samples": 12}
    assert result.lossy
    assert "  block 'a' counted 12 lost samples" in summary("waiting", result.as_json())
