"""Pictures cross real GNU Radio, which adds the noise of a channel, as bursts that nobody announces."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

from .running import Going

PICTURES = 5
PER_SYMBOL = 4
ESN0_DB = 20.0
NOISE_VARIANCE = PER_SYMBOL * 10 ** (-ESN0_DB / 10)  # per sample: a burst has unit mean power

ENDS = """
  photos:  {use: sources/images, path: "builtin:photos", size: [64, 96]REPEAT}
  encoder: {use: encoders/deepjscc, rate: 1/12, esn0_db: 20}
  map:     {use: mappers/real_to_complex}
  burst:   {use: framing/burst, samples_per_symbol: 4, sample_rate_hz: 1e6}
  sync:    {use: sync/burst, samples_per_symbol: 4}
  unmap:   {use: mappers/complex_to_real}
  decoder: {use: decoders/deepjscc}
  metrics: {use: sinks/metrics, out: OUT}
"""
CONNECT = """
connect:
  - photos -> encoder -> map -> burst -> INTO
  - FROM -> sync -> unmap -> decoder -> metrics.received
  - {from: photos, to: metrics.sent, depth: 4096}
"""


def simulated() -> RunResult:
    """The same chain with the channel in simulation."""
    text = "semcom: 1\nname: simulated\nblocks:" + ENDS.replace("OUT", "simulated").replace("REPEAT", "")
    text += "  channel: {use: channels/awgn_samples, esn0_db: 20, samples_per_symbol: 4}\n"
    text += CONNECT.replace("INTO", "channel").replace("FROM", "channel")
    Path("simulated.yaml").write_text(text)
    return run(load_graph("simulated.yaml"), RunOptions("inline"))


def over_gnuradio(out: str, into: str, *, key: str = "", repeat: str = "") -> str:
    options = "pass_tags: true" + (f", key: {key}" if key else "")
    text = "semcom: 1\nname: pictures\nblocks:" + ENDS.replace("OUT", "real").replace("REPEAT", repeat)
    text += f"  tx: {{use: radio/zmq_sink, address: 'ipc://to-gr', pattern: {out}, {options}}}\n"
    text += f"  rx: {{use: radio/zmq_source, address: 'ipc://from-gr', pattern: {into}, {options}}}\n"
    if repeat:
        text += "  slow: {use: mappers/rate_limit, items_per_s: 20}\n"
        return text + CONNECT.replace("photos -> enc", "photos -> slow -> enc").replace("INTO", "tx").replace(
            "FROM", "rx"
        )
    return text + CONNECT.replace("INTO", "tx").replace("FROM", "rx")


def received() -> list[int]:
    file = Path("real/metrics.csv")
    return [int(line.split(",")[0]) for line in file.read_text().splitlines()[1:]] if file.exists() else []


@pytest.mark.parametrize(("out", "into", "key"), [("push", "pull", ""), ("pub", "sub", "GNURadio"), ("rep", "req", "")])
def test_every_burst_is_received_and_no_worse_than_in_simulation(gnuradio, out, into, key):
    gnuradio(
        **{"from": [into, "ipc://to-gr"], "to": [out, "ipc://from-gr"], "pass_tags": True, "key": key},
        noise_variance=NOISE_VARIANCE,
    )
    going = Going(over_gnuradio(out, into, key=key))
    going.until(lambda: len(received()) >= PICTURES - 1)
    time.sleep(0.5)  # the last burst waits for the end of the stream
    result = going.stop()
    alike = simulated()
    assert received() == list(range(PICTURES))
    assert result.blocks["sync"].counted["bursts"] == PICTURES
    assert result.metrics["psnr_db"] == pytest.approx(alike.metrics["psnr_db"], abs=0.5)


def test_gnuradio_is_killed_and_started_again_and_the_lost_bursts_are_named(gnuradio):
    job = {"from": ["pull", "ipc://to-gr"], "to": ["push", "ipc://from-gr"], "pass_tags": True}
    dies = gnuradio(**job, noise_variance=NOISE_VARIANCE)
    going = Going(over_gnuradio("push", "pull", repeat=", repeat: null"))
    going.until(lambda: len(received()) >= 10)
    dies.kill()
    dies.wait()
    time.sleep(0.5)
    before = len(received())
    gnuradio(**job, noise_variance=NOISE_VARIANCE)
    going.until(lambda: len(received()) >= before + 10)
    result = going.stop()
    numbers = received()
    assert result.status == "stopped"
    assert numbers == sorted(set(numbers))
    missing = sorted(set(range(numbers[0], numbers[-1])) - set(numbers))
    counted = result.blocks["sync"].counted
    assert counted.get("lost_bursts", 0) == len(missing)
    assert result.blocks["rx"].counted["restarts"] == 1
    assert len(missing) <= 5  # what was on its way
    named = result.blocks["sync"].named.get("lost_bursts", [])
    assert named == missing
