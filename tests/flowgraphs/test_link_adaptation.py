"""The flowgraph `link-adaptation`: the receiver's estimate closes a loop that loses bursts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def result(executor: str, items: int, *variables: str, sets: tuple[str, ...] = ()) -> RunResult:
    sets = ("photos.size=[64, 64]", f"report.out={executor}", *sets)
    graph = load_graph("link-adaptation", Overrides.parse(vars=variables, sets=sets, swaps=()))
    return run(graph, RunOptions(executor, items=items))


def cbrs(folder: str) -> list[float]:
    with open(Path(folder) / "metrics.csv", newline="") as file:
        return [float(row["payload_uses"]) / (3 * 64 * 64) for row in csv.DictReader(file)]


def test_a_good_channel_is_climbed_at_the_pace_that_the_loop_allows() -> None:
    """Two pictures before anything has come back, two estimates to climb; then the last level, for 25 dB."""
    still = ("multipath.doppler_hz=0", "multipath.profile=D", "multipath.delay_spread_ns=0")
    found = result("inline", 7, "esn0_db=25", sets=still)
    assert not found.lossy
    assert cbrs("inline") == [pytest.approx(rate) for rate in (1 / 6, 1 / 6, 1 / 6, 1 / 24, 1 / 24, 1 / 24, 1 / 24)]
    assert found.blocks["control"].counted == {"level_0": 3, "level_4": 4, "level_changes": 1}


def test_lost_bursts_neither_stall_the_loop_nor_change_what_executors_give() -> None:
    variables = ("esn0_db=0", "doppler_hz=40")
    found = {executor: result(executor, 12, *variables) for executor in ("inline", "threads")}
    counted = {executor: one.blocks["control"].counted for executor, one in found.items()}
    assert counted["inline"] == counted["threads"]
    assert sum(counted["inline"].get(f"level_{level}", 0) for level in range(5)) == 12
    silent = counted["inline"]["silent"]
    assert silent > 0
    assert found["inline"].edges["quality.out -> control.esn0_db"].missing == silent
    assert found["inline"].lossy
    assert {path.name: path.read_bytes() for path in Path("inline").glob("*.png")} == {
        path.name: path.read_bytes() for path in Path("threads").glob("*.png")
    }
