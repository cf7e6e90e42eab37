"""A record goes on within a run, whatever sink is swapped in and out; what is not in it is counted."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from semcom.errors import ControlError
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

FILE = """
semcom: 1
name: live
seed: 1
blocks:
  photos: {use: sources/images, path: "builtin:photos", size: [16, 24], repeat: 30}
  pace:   {use: mappers/rate_limit, items_per_s: PACE}
  m:      {use: sinks/metrics, out: out/m}
connect:
  - photos -> pace -> m.received
  - photos -> m.sent
"""
ITEMS = 150


def swapped(executor: str, *swaps: tuple[str, dict]):
    """Run 150 pictures, swap the sink while they come, and return the run's result.

    They come slowly until the last swap: on a busy machine a process takes seconds for one.
    """
    Path("live.yaml").write_text(FILE.replace("PACE", "80" if executor == "threads" else "6"))
    results = []
    thread = threading.Thread(target=lambda: results.append(run(load_graph("live.yaml"), RunOptions(executor))))
    thread.start()
    for use, params in swaps:
        before, deadline = reached(), time.monotonic() + 60
        while reached() < before + 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        request("live", {"do": "swap", "block": "m", "use": use, "params": params})
    request("live", {"do": "set", "block": "pace", "param": "items_per_s", "value": 1000})
    thread.join(60)
    return results[0]


def reached() -> int:
    """How many pictures have reached the sink."""
    try:
        return request("live", {"do": "status"})["blocks"]["m"]["items"]
    except (ControlError, KeyError):
        return 0


def numbers(path: str) -> list[int]:
    return [int(row.split(",")[0]) for row in Path(path).read_text().splitlines()[1:]]


METRICS, REPORT = ("sinks/metrics", {}), ("sinks/report", {})
DEAF = (str(Path(__file__).parents[1] / "plugins" / "deaf.py"), {})


SWAPS = {
    "itself": [METRICS],
    "thrice": [METRICS, METRICS, METRICS],
    "report and back": [REPORT, METRICS],
    "away and back": [("sinks/metrics", {"out": "out/n"}), METRICS],
    "other names of the folder": [("sinks/metrics", {"out": "out/../out/m"}), ("sinks/report", {"out": "link"})],
}


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize(
    ("executor", "name"),
    [*(("threads", name) for name in SWAPS), ("processes", "thrice"), ("processes", "other names of the folder")],
)
def test_every_row_is_there_whatever_is_swapped(executor, name):
    swaps = SWAPS[name]
    Path("link").symlink_to("out/m")
    if swaps[-1] == METRICS and len(swaps) == 2:
        swaps = [swaps[0], ("sinks/metrics", {"out": "out/m"})]
    result = swapped(executor, *swaps)
    assert len(result.blocks["m"].changes) == len(swaps)
    rows = numbers("out/m/metrics.csv") + (numbers("out/n/metrics.csv") if Path("out/n").exists() else [])
    assert sorted(rows) == list(range(ITEMS))
    assert not result.lossy
    assert result.unwritten == {}


def test_a_report_that_is_swapped_for_itself_shows_the_first_pictures():
    result = swapped("threads", REPORT, REPORT)
    page = Path("out/m/report.html").read_text()
    assert "Another sink wrote the first rows of this table." in page  # the metrics that were there before
    assert "astronaut" in page
    assert numbers("out/m/metrics.csv") == list(range(ITEMS))
    assert result.status == "ok"


def test_rows_that_a_sink_did_not_write_are_counted():
    result = swapped("threads", DEAF)
    rows = numbers("out/m/metrics.csv")
    assert result.unwritten == {"m": ITEMS - len(rows)}
    assert result.lossy
    assert result.as_json()["unwritten"] == {"m": ITEMS - len(rows)}


def test_an_old_table_in_the_folder_is_none_of_this_run():
    Path("out/m").mkdir(parents=True)
    Path("out/m/metrics.csv").write_text("seq,label\n7,old\n")
    swapped("threads", METRICS)
    assert numbers("out/m/metrics.csv") == list(range(ITEMS))
