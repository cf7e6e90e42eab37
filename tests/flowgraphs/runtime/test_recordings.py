"""Streams that are recorded and replayed in whole flowgraphs: `radio/sigmf_sink` and `radio/sigmf_source`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sigmf
from semcom.errors import BlockError, ControlError
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


@pytest.mark.usefixtures("warm_workers")
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


@pytest.mark.usefixtures("warm_workers")
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


def test_a_run_that_fails_leaves_what_it_recorded():
    """Two sinks mean the same files: the second one ends the run."""
    text = """
semcom: 1
name: twice
blocks:
  tone: {use: sources/tone, frequency_hz: 1000, sample_rate_hz: 48000, samples: 5000, chunk: 1000}
  one:  {use: radio/sigmf_sink, out: air, name: air}
  two:  {use: radio/sigmf_sink, out: air, name: air}
connect: [tone -> one, tone -> two]
"""
    Path("graph.yaml").write_text(text)
    reason = r"block 'two' at item 0: air/air\.sigmf-data: another sink or run is writing this recording"
    with pytest.raises(BlockError, match=reason):
        run(load_graph("graph.yaml"), RunOptions("inline"))
    found = sigmf.sigmffile.fromfile(META)
    found.validate()
    assert found.sample_count == 1000
    assert "core:sha512" in json.loads(META.read_text())["global"]


def test_a_place_that_is_killed_and_started_again_records_every_sample_once():
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        ports = [free.getsockname()[1] for free in (one, other)]
    text = f"""
semcom: 1
name: placed
seed: 3
blocks:
  tone:    {{use: sources/tone, frequency_hz: 1e5, sample_rate_hz: 1e6, samples: 150000, chunk: 50}}
  channel: {{use: channels/awgn_samples, snr_db: 20}}
  record:  {{use: radio/sigmf_sink, out: whole, name: air, datatype: ci16_le}}
connect: [tone -> channel -> record]
places:
  tx: {{blocks: [tone, channel], endpoint: "tcp://127.0.0.1:{ports[0]}"}}
  rx: {{blocks: [record], endpoint: "tcp://127.0.0.1:{ports[1]}"}}
"""
    go(text, "inline")
    whole = Path("whole/air.sigmf-data").read_bytes()
    Path("graph.yaml").write_text(text.replace("out: whole", "out: air"))
    command = [sys.executable, "-m", "semcom", "run", "graph.yaml", "--quiet", "--place"]
    places = [subprocess.Popen([*command, name]) for name in ("tx", "rx")]
    try:
        deadline = time.monotonic() + 60
        while not (DATA.exists() and DATA.stat().st_size > 50_000) and time.monotonic() < deadline:
            time.sleep(0.01)
        places[1].kill()
        places[1].wait()
        assert 0 < DATA.stat().st_size < len(whole)
        places[1] = subprocess.Popen([*command, "rx"])
        assert [place.wait(60) for place in places] == [0, 0]
    finally:
        for place in places:
            place.kill()
            place.wait()
    assert DATA.read_bytes() == whole
    found = sigmf.sigmffile.fromfile(META)
    found.validate()
    assert [one["core:sample_start"] for one in found.get_captures()] == [0]


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


@pytest.mark.usefixtures("warm_workers")
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
