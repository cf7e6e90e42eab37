"""The flowgraph `link-adaptation`: the receiver's estimate closes a loop that loses bursts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.language.shipped import shipped_flowgraphs
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

from .test_shipped import begin, free_ports, pictures


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def result(executor: str, items: int, *variables: str, sets: tuple[str, ...] = ()) -> RunResult:
    sets = ("photos.size=[64, 64]", f"report.out={executor}", *sets)
    graph = load_graph("link-adaptation", Overrides.parse(vars=variables, sets=sets, swaps=()))
    return run(graph, RunOptions(executor, items=items))


def cbrs(folder: str) -> list[float]:
    with open(Path(folder) / "metrics.csv", newline="") as file:
        return [float(row["payload_uses"]) / (3 * 64 * 64) for row in csv.DictReader(file)]


def test_a_good_channel_is_climbed_at_the_pace_that_the_loop_allows() -> None:
    """Three estimates to climb, the first of them what is taken for granted; then the last level, for 25 dB."""
    still = ("control.dwell=3", "multipath.doppler_hz=0", "multipath.profile=D", "multipath.delay_spread_ns=0")
    found = result("inline", 7, "esn0_db=25", sets=still)
    assert not found.lossy
    assert cbrs("inline") == [pytest.approx(rate) for rate in (1 / 6, 1 / 6, 1 / 24, 1 / 24, 1 / 24, 1 / 24, 1 / 24)]
    assert found.blocks["control"].counted == {"level_0": 2, "level_2": 5, "level_changes": 1}


def test_a_coded_link_changes_its_scheme() -> None:
    """At 25 dB the last level carries files many times as large as the first one, in as many channel uses."""
    sets = (
        "photos.size=[64, 64]",
        "report.out=hevc",
        "control.dwell=3",
        "multipath.doppler_hz=0",
        "multipath.profile=D",
    )
    graph = load_graph("link-adaptation-hevc", Overrides.parse(vars=("esn0_db=25",), sets=sets, swaps=()))
    found = run(graph, RunOptions("inline", items=6))
    assert found.metrics["failed"] == 0
    with open("hevc/metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["payload_uses"] for row in rows}) == 1
    assert int(rows[5]["file_bytes"]) > 4 * int(rows[0]["file_bytes"])


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
    assert pictures("inline") == pictures("threads")


def test_over_two_places_it_is_the_same_loop(tmp_path, warm):
    """The transmitter's place gets nothing but the estimates back."""
    first = free_ports(8)
    sender = "photos, control, encoder, map, burst, multipath, carrier, clock, channel"
    file = tmp_path / "placed.yaml"
    file.write_text(
        shipped_flowgraphs()["link-adaptation"].read_text()
        + f'places:\n  tx: {{blocks: [{sender}], endpoint: "tcp://127.0.0.1:{first}"}}\n'
        + f'  rx: {{blocks: [sync, quality, unmap, decoder, report], endpoint: "tcp://127.0.0.1:{first + 2}"}}\n'
    )
    given = ("--set", "photos.size=[64, 64]", "--var", "esn0_db=0", "--var", "doppler_hz=40", "--items", "8")
    command = (str(warm / "semcom"), "run", str(file), *given)
    sides = [begin(*command, "--place", place, "--out", place) for place in ("rx", "tx")]
    for side in sides:
        _, err = side.communicate(timeout=90)
        assert side.returncode == 0, err
    alone = result("inline", 8, "esn0_db=0", "doppler_hz=40")
    assert alone.blocks["control"].counted["silent"] > 0
    assert pictures("rx") == pictures("inline") != {}
