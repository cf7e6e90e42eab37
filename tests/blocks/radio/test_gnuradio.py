"""Real GNU Radio, in a process of its own, takes our samples and gives them back."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from .running import Going

HERE = Path(__file__).parent
PLUGINS = HERE.parents[1] / "flowgraphs" / "plugins"
PATTERNS = [("push", "pull"), ("pub", "sub"), ("rep", "req")]


def flowgraph(out: str, into: str, *, key: str = "", pass_tags: bool = True, ramp: str = "samples: 200000") -> str:
    tags = "true" if pass_tags else "false"
    keys = f', key: "{key}"' if key else ""
    return f"""
semcom: 1
name: through-gnuradio
blocks:
  ramp: {{use: {HERE}/plugins/ramp.py, {ramp}}}
  tx:   {{use: radio/zmq_sink, address: "ipc://to-gr", pattern: {out}, pass_tags: {tags}{keys}, hwm: 4}}
  rx:   {{use: radio/zmq_source, address: "ipc://from-gr", pattern: {into}, pass_tags: {tags}{keys}, hwm: 4}}
  keep: {{use: {HERE}/plugins/keep.py}}
connect:
  - ramp -> tx
  - rx -> keep
"""


def kept() -> np.ndarray:
    return np.fromfile("kept.bin", np.complex64) if Path("kept.bin").exists() else np.zeros(0, np.complex64)


@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize(("out", "into"), PATTERNS)
def test_samples_and_tags_cross_gnuradio_and_come_back(gnuradio, out, into, executor):
    key = "GNURadio" if out == "pub" else ""
    gnuradio(**{"from": [into, "ipc://to-gr"], "to": [out, "ipc://from-gr"], "pass_tags": True, "key": key})
    going = Going(flowgraph(out, into, key=key), executor)
    going.until(lambda: kept()[-1:].tolist() == [199_999])
    result = going.stop()
    first = result.blocks["rx"].counted.pop("joined_at_sample", 0)
    assert first == 0 or out == "pub"  # a publisher waits for nobody: GNU Radio's begins before we have subscribed
    np.testing.assert_array_equal(kept(), np.arange(first, 200_000))
    notes = [note for line in Path("kept.jsonl").read_text().splitlines() for note in json.loads(line)[3]]
    assert notes == [[n - first, "mark", n] for n in range(-(-first // 1000) * 1000, 200_000, 1000)]
    assert result.blocks["tx"].counted == {"sent_samples": 200_000}
    assert result.blocks["rx"].counted == {}
    assert not result.lossy


@pytest.mark.parametrize(("out", "into"), PATTERNS)
def test_gnuradio_is_killed_and_started_again_and_the_run_goes_on(gnuradio, out, into):
    job = {"from": [into, "ipc://to-gr"], "to": [out, "ipc://from-gr"], "pass_tags": True}
    first = gnuradio(**job)
    going = Going(flowgraph(out, into, ramp="interval: 0.001"))
    going.until(lambda: kept().size >= 50_000)
    first.kill()
    first.wait()
    before = kept().size
    gnuradio(**job)
    going.until(lambda: kept().size >= before + 50_000)
    result = going.stop()
    values = kept().real.astype(int)
    steps = np.diff(values)
    assert (steps > 0).all()  # nothing twice, nothing out of order
    assert (steps != 1).sum() <= 1  # one hole, where it was killed
    assert result.status == "stopped"
    counted = result.blocks["rx"].counted
    if out != "pub":  # a publisher may have numbered as many again before we have subscribed: then that is a gap
        assert counted["restarts"] == 1
    last = json.loads(Path("kept.jsonl").read_text().splitlines()[-1])
    assert counted.get("lost_samples", 0) == last[0] + last[1] - values.size  # what numbers prove is where samples lie


def test_a_gnuradio_that_is_slow_has_the_last_sample_of_a_sink_that_ends(gnuradio):
    gnuradio(**{"from": ["pull", "ipc://to-gr"], "to": ["push", "ipc://from-gr"], "pass_tags": True, "rate_hz": 50_000})
    going = Going(flowgraph("push", "pull", ramp="samples: 100000"))
    going.until(lambda: kept().size == 100_000)
    np.testing.assert_array_equal(kept(), np.arange(100_000))
    assert not going.stop().lossy


def test_srsrans_requests_are_answered_by_gnuradio_and_its_by_us(gnuradio):
    gnuradio(**{"from": ["req", "ipc://to-gr"], "to": ["rep", "ipc://from-gr"]})
    text = flowgraph("rep", "req", ramp="samples: 100000")
    text = re.sub(r"use: radio/zmq_sink, (.*?), .*}", r"use: radio/srsran_sink, \1}", text)
    text = re.sub(r"use: radio/zmq_source, (.*?), .*}", r"use: radio/srsran_source, \1, generation: 4g}", text)
    going = Going(text)
    going.until(lambda: kept().size == 100_000)
    np.testing.assert_array_equal(kept(), np.arange(100_000))
    assert not going.stop().lossy


@pytest.mark.parametrize(("out", "into"), PATTERNS)
def test_pdus_cross_gnuradio_and_come_back(gnuradio, out, into):
    gnuradio(**{"messages": True, "from": [into, "ipc://to-gr"], "to": [out, "ipc://from-gr"]})
    text = f"""
semcom: 1
name: pdus
blocks:
  numbers: {{use: {PLUGINS}/numbers.py, count: 200, interval: 0.01}}
  tx:      {{use: radio/pdu_sink, address: "ipc://to-gr", pattern: {out}}}
  rx:      {{use: radio/pdu_source, address: "ipc://from-gr", pattern: {into}}}
  record:  {{use: {PLUGINS}/record.py}}
connect:
  - numbers -> tx.features
  - rx.features -> record
"""
    going = Going(text)
    lines = Path("record.txt")
    going.until(lambda: lines.exists() and lines.read_text().endswith("199 199\n"))
    result = going.stop()
    pairs = [line.split() for line in lines.read_text().splitlines()]
    numbers = [int(number) for number, _ in pairs]
    assert numbers == [int(value) for _, value in pairs] == list(range(numbers[0], 200))
    assert numbers[0] == 0 or out == "pub"
    assert result.blocks["rx"].counted == {}


def test_tags_on_our_side_alone_are_refused_by_name(gnuradio, caplog):
    gnuradio(**{"from": ["pull", "ipc://to-gr"], "to": ["push", "ipc://from-gr"], "pass_tags": False})
    text = flowgraph("push", "pull").replace("pattern: push, pass_tags: true", "pattern: push, pass_tags: false")
    going = Going(text)
    deadline = time.monotonic() + 20
    while "set pass_tags at both ends or at neither" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.05)
    result = going.stop()
    assert "block 'rx': stream message: expected a tag header (f0 5f 01)" in caplog.text
    assert result.blocks["rx"].counted["refused_messages"] >= 1
    assert result.status == "stopped"
