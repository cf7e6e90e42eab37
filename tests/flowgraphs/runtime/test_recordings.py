"""Streams that are recorded and replayed in whole flowgraphs: `radio/sigmf_sink` and `radio/sigmf_source`."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sigmf
from semcom.errors import ControlError
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

PLUGINS = Path(__file__).parents[1] / "plugins"
EXECUTORS = ["inline", "threads", "processes"]
META, DATA = Path("air/air.sigmf-meta"), Path("air/air.sigmf-data")

RECORD = f"""
semcom: 1
name: record
seed: 5
blocks:
  numbers: {{use: {PLUGINS}/numbers.py, count: 6}}
  burst:   {{use: {PLUGINS}/burst.py}}
  air:     {{use: {PLUGINS}/air.py, order: [0, 2, 3, 3, 5], chunk: 7}}
  record:  {{use: radio/sigmf_sink, out: air, name: air, esn0_db: 10}}
  catch:   {{use: {PLUGINS}/catch.py}}
  pairs:   {{use: {PLUGINS}/pairs.py}}
connect:
  - numbers -> burst -> air -> catch -> pairs.received
  - numbers -> pairs.sent
  - air -> record
"""

REPLAY = f"""
semcom: 1
name: replay
blocks:
  air:     {{use: radio/sigmf_source, path: air/air.sigmf-meta, chunk: 5}}
  catch:   {{use: {PLUGINS}/catch.py}}
  record:  {{use: {PLUGINS}/record.py}}
connect: [air -> catch -> record]
"""


def go(text: str, executor: str):
    Path("graph.yaml").write_text(text)
    graph = load_graph("graph.yaml")
    result = run(graph, RunOptions(executor))
    assert result.status == "ok", result.error
    return result, graph


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_replay_finds_the_frames_that_were_recorded(executor):
    recorded, graph = go(RECORD, executor)
    assert recorded.blocks["record"].counted == {"recorded_samples": 40}
    top = json.loads(META.read_text())["global"]
    assert (top["semcom:seed"], top["semcom:esn0_db"], top["semcom:graph_sha256"]) == (5, 10, graph.hash())
    assert top["core:recorder"].startswith("gr-semcom 0.")
    found = sigmf.sigmffile.fromfile(META)
    found.validate()
    bursts = found.read_samples().reshape(5, 8)
    assert bursts[:, 1].real.tolist() == [0, 2, 3, 3, 5]
    replayed, _ = go(REPLAY, executor)
    assert Path("record.txt").read_text() == "0 0\n2 2\n3 3\n5 5\n"
    assert replayed.blocks["catch"].doubled == 1


def test_every_executor_records_the_same_bytes():
    found = []
    for executor in EXECUTORS:
        go(RECORD, executor)
        metadata = json.loads(META.read_text())
        for one in metadata["captures"]:
            one.pop("core:datetime", None)  # when it was
        found.append((DATA.read_bytes(), metadata))
    assert found[0] == found[1] == found[2]


def test_what_an_edge_drops_is_a_gap_in_the_recording():
    """A sink that is too slow for its edge loses chunks: the recording says how many samples, and where."""
    text = """
semcom: 1
name: live
blocks:
  tone:   {use: sources/tone, frequency_hz: 1000, sample_rate_hz: 48000, samples: 200000, chunk: 100}
  record: {use: radio/sigmf_sink, out: air, name: air}
connect:
  - {from: tone, to: record, depth: 1, overflow: drop_oldest}
"""
    result, _ = go(text, "threads")
    (edge,) = result.edges.values()
    assert edge.dropped > 0
    metadata, samples = json.loads(META.read_text()), np.fromfile(DATA, np.complex64)
    assert samples.size == 100 * (2000 - edge.dropped)
    starts = [(one["core:sample_start"], one["core:global_index"]) for one in metadata["captures"]]
    ends = [start for start, _ in starts[1:]] + [samples.size]
    numbers = np.concatenate([index + np.arange(end - start) for (start, index), end in zip(starts, ends, strict=True)])
    np.testing.assert_allclose(samples, np.exp(2j * np.pi * 1000 / 48000 * numbers), atol=1e-5)


ENDLESS = """
semcom: 1
name: live
blocks:
  tone:   {use: sources/tone, frequency_hz: 1000, sample_rate_hz: 48000, chunk: 10}
  record: {use: radio/sigmf_sink, out: air, name: air}
connect: [tone -> record]
"""


def wait_for(samples: int) -> None:
    deadline = time.monotonic() + 30
    while not (DATA.exists() and DATA.stat().st_size >= 8 * samples) and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_sink_is_swapped_while_it_records_and_the_run_is_stopped(executor):
    Path("graph.yaml").write_text(ENDLESS)
    results = []
    thread = threading.Thread(target=lambda: results.append(run(load_graph("graph.yaml"), RunOptions(executor))))
    thread.start()
    try:
        wait_for(5000)
        swap = {"do": "swap", "block": "record", "use": "radio/sigmf_sink"}
        request("live", {**swap, "params": {"out": "air", "name": "air", "frequency_hz": 1e9}})
        wait_for(DATA.stat().st_size // 8 + 5000)
    finally:
        while thread.is_alive():
            try:
                request("live", {"do": "stop"})
            except ControlError:
                time.sleep(0.1)
            thread.join(1)
    assert results[0].status == "stopped"
    found = sigmf.sigmffile.fromfile(META)
    found.validate()
    assert "core:sha512" in json.loads(META.read_text())["global"]
    samples = np.fromfile(DATA, np.complex64)
    assert samples.size == results[0].blocks["record"].counted["recorded_samples"]
    np.testing.assert_allclose(samples, np.exp(2j * np.pi / 48 * np.arange(samples.size)), atol=1e-5)
    captures = json.loads(META.read_text())["captures"]
    assert [one.get("core:frequency") for one in captures] == [None, 1e9]
    assert captures[1]["core:global_index"] == captures[1]["core:sample_start"]
