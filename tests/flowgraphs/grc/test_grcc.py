"""The real `grcc` compiles a drawing with each block, GNU Radio runs what it wrote, and samples cross."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from semcom.flowgraphs.grc.install import install
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

PYTHON = "/usr/bin/python3"  # the system's, which has GNU Radio where it is installed
SCHEMA_CHECK = """
import sys, yaml
from gnuradio.grc.core.schema_checker import BLOCK_SCHEME, Validator
for path in sys.argv[1:]:
    checker = Validator(BLOCK_SCHEME)
    assert checker.run(yaml.safe_load(open(path))), checker.messages
    assert not checker.messages, checker.messages
"""
DRIVER = """
import os, signal, threading, time, live
def meddle():
    while not os.path.exists("got.bin") or not os.path.getsize("got.bin"):
        time.sleep(0.05)
    for hz in (100, 200, 300):
        top[0].set_offset(hz)
    while top[0].through._run._changing:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)
top = []
class Top(live.live):
    def __init__(self):
        live.live.__init__(self)
        top.append(self)
threading.Thread(target=meddle, daemon=True).start()
live.main(Top)
"""
RATE_HZ, FREQUENCY_HZ, COUNT = 1e6, 1e5, 200_000
TX = """
semcom: 1
name: tone-tx
vars: {frequency_hz: 0, samples: 1}
blocks:
  tone: {use: sources/tone, frequency_hz: $frequency_hz, sample_rate_hz: 1e6, samples: $samples}
  tx:   {use: radio/zmq_sink}
connect: [tone -> tx]
"""
RX = """
semcom: 1
name: record-rx
blocks:
  antenna: {use: radio/zmq_source}
  record:  {use: radio/sigmf_sink, out: out/rx, name: air}
connect: [antenna -> record]
"""
CHANNEL = """
semcom: 1
name: offset
blocks:
  rx:     {use: radio/zmq_source}
  offset: {use: channels/cfo, cfo_hz: 0}
  tx:     {use: radio/zmq_sink}
connect: [rx -> offset -> tx]
"""
SENT = """
  photos:  {use: sources/images, path: "builtin:photos", size: [64, 96]}
  encoder: {use: encoders/deepjscc, esn0_db: 20}
  map:     {use: mappers/real_to_complex}
  burst:   {use: framing/burst, sample_rate_hz: 1e6}
"""
RECEIVED = """
  sync:    {use: sync/burst}
  unmap:   {use: mappers/complex_to_real}
  decoder: {use: decoders/deepjscc}
  save:    {use: sinks/images, out: out/pictures}
"""
PICTURES = {
    "pictures-tx": f"{SENT}  tx: {{use: radio/zmq_sink}}\nconnect: [photos -> encoder -> map -> burst -> tx]",
    "pictures-rx": f"{RECEIVED}  rx: {{use: radio/zmq_source}}\nconnect: [rx -> sync -> unmap -> decoder -> save]",
    "pictures": f"{SENT}{RECEIVED}connect: [photos -> encoder -> map -> burst -> sync -> unmap -> decoder -> save]",
}
TONE = ("analog_sig_source_x", {"type": "complex", "samp_rate": RATE_HZ, "freq": FREQUENCY_HZ, "amp": 1})
HEAD = ("blocks_head", {"type": "complex", "num_items": COUNT})
SLOW = ("blocks_throttle", {"type": "complex", "samples_per_second": 1e5})
FILE = ("blocks_file_sink", {"type": "complex", "file": "got.bin"})
PATTERNS = {"push": "pull", "pub": "req", "rep": "pull"}  # of the transmitter, and of the receiver behind it

spec = importlib.util.spec_from_file_location("grc_file", Path(__file__).parent / "grc_file.py")
assert spec is not None
assert spec.loader is not None
grc_file = importlib.util.module_from_spec(spec)
spec.loader.exec_module(grc_file)

pytestmark = [
    pytest.mark.skipif(shutil.which("grcc") is None, reason="GNU Radio is not installed: apt-get install gnuradio"),
    pytest.mark.slow,
]


def link(pattern: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """A transmitter and a receiver."""
    tags = str(pattern == "push")
    sent = {"flowgraph": "tx.yaml", "address": "ipc://tx", "pattern": pattern, "pass_tags": tags}
    sent |= {"variables": "{'frequency_hz': f, 'samples': n}", "key": "air" if pattern == "pub" else ""}
    received = {"flowgraph": "rx.yaml", "rx_block": "antenna", "address": "ipc://rx", "pattern": PATTERNS[pattern]}
    received |= {"pass_tags": tags, "sample_rate_hz": RATE_HZ, "options": "--out recorded"}
    variables = {"f": ("variable", {"value": FREQUENCY_HZ}), "n": ("variable", {"value": COUNT})}
    return {**variables, "tx": ("semcom_transmitter", sent), "rx": ("semcom_receiver", received)}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `grcc` makes of a drawing with each block, in one folder."""
    folder = tmp_path_factory.mktemp("grc")
    install(folder / "blocks")
    given = {"flowgraph": "channel.yaml", "rx_address": "ipc://rx", "tx_address": "ipc://tx"}
    channel = ("semcom_channel", {**given, "parameters": "{'offset.cfo_hz': 200}"})
    live = ("semcom_channel", {**given, "parameters": "{'offset.cfo_hz': offset}"})
    lost = ("semcom_receiver", {"flowgraph": "quickstrat", "address": "ipc://rx"})
    tx = ("semcom_transmitter", {"flowgraph": "nothing.yaml", "address": "ipc://tx"})
    photos = ("semcom_transmitter", {"flowgraph": "pictures-tx.yaml", "address": "ipc://tx", "options": "--items 2"})
    given = {"flowgraph": "pictures-rx.yaml", "address": "ipc://rx", "sample_rate_hz": RATE_HZ}
    pictures = ("semcom_receiver", {**given, "options": "--out crossed"})
    drawings = [
        grc_file.write_grc(folder / "pictures.grc", {"photos": photos, "shown": pictures}, "photos shown"),
        *(grc_file.write_grc(folder / f"{pattern}.grc", link(pattern), "tx rx") for pattern in PATTERNS),
        grc_file.write_grc(
            folder / "air.grc", {"tone": TONE, "head": HEAD, "through": channel, "file": FILE}, "tone head through file"
        ),
        grc_file.write_grc(
            folder / "live.grc",
            {"offset": ("variable", {"value": 0}), "tone": TONE, "slow": SLOW, "through": live, "file": FILE},
            "tone slow through file",
        ),
        grc_file.write_grc(folder / "no_rx.grc", {"tone": TONE, "rx": lost}, "tone rx"),
        grc_file.write_grc(folder / "no_tx.grc", {"tx": tx, "file": FILE}, "tx file"),
    ]
    said = subprocess.run(
        ["grcc", "-o", str(folder), *map(str, drawings)],
        env={**os.environ, "GRC_BLOCKS_PATH": str(folder / "blocks"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (said.returncode, "rror" in said.stdout + said.stderr) == (0, False), said.stdout + said.stderr
    return folder


@pytest.fixture(autouse=True)
def flowgraphs() -> None:
    for name, text in (("tx", TX), ("rx", RX), ("channel", CHANNEL)):
        Path(f"{name}.yaml").write_text(text)


def ran(program: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [PYTHON, str(program)]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


def tone(frequency_hz: float) -> np.ndarray:
    return np.exp(2j * np.pi * frequency_hz / RATE_HZ * np.arange(COUNT))


def test_every_description_is_in_order_by_gnuradios_own_schema(tmp_path):
    files = [str(path) for path in install(tmp_path) if path.suffix == ".yml"]
    assert len(files) == 3
    subprocess.run([PYTHON, "-c", SCHEMA_CHECK, *files], check=True, timeout=60)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_the_transmitter_sends_the_receiver_has_to_the_last_sample_and_both_end(programs, pattern):
    done = ran(programs / f"{pattern}.py")
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_allclose(np.fromfile("recorded/air.sigmf-data", np.complex64), tone(FREQUENCY_HZ), atol=1e-6)


def test_pictures_that_cross_gnuradio_are_those_of_one_run_in_one_process(programs):
    for name, text in PICTURES.items():
        Path(f"{name}.yaml").write_text(f"semcom: 1\nname: {name}\nblocks:{text}\n")
    done = ran(programs / "pictures.py")
    assert done.returncode == 0, done.stderr
    run(load_graph("pictures.yaml"), RunOptions("inline", items=2, out=Path("straight")))
    straight, crossed = (sorted(Path(out).rglob("*.png")) for out in ("out/pictures", "crossed"))
    assert len(straight) == 2
    assert [path.read_bytes() for path in crossed] == [path.read_bytes() for path in straight]


def test_samples_go_through_the_channel_and_end(programs):
    done = ran(programs / "air.py")
    assert (done.returncode, done.stderr) == (0, "")
    got = np.fromfile("got.bin", np.complex64)
    np.testing.assert_allclose(got, tone(FREQUENCY_HZ + 200), atol=5e-3)  # GNU Radio's phase is of 32 bits


def test_a_variable_that_changes_in_gnuradio_changes_semcoms_block_and_a_signal_ends_both_in_order(programs):
    driver = f"import sys; sys.path.insert(0, {str(programs)!r}){DRIVER}"
    done = subprocess.run([PYTHON, "-c", driver], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(Path("out/offset/run.json").read_text())
    assert record["status"] == "stopped"
    assert [change["params"]["cfo_hz"] for change in record["blocks"]["offset"]["changes"]][-1] == 300


def test_a_flowgraph_that_is_not_there_ends_gnuradios_with_a_sentence(programs):
    done = ran(programs / "no_rx.py")
    assert done.stderr.splitlines()[-1] == (
        "semcom receiver: `semcom run quickstrat` ended with exit code 2, and no more samples pass here"
    )
    assert "did you mean 'quickstart'" in done.stderr
    assert "`semcom run nothing.yaml` ended with exit code 2" in ran(programs / "no_tx.py").stderr


def test_a_command_that_is_not_there_is_one_sentence(programs, tmp_path):
    program = tmp_path / "moved.py"
    program.write_text((programs / "push.py").read_text().replace(sys.executable, "/gone/python"))
    done = ran(program, PATH="/nowhere")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "RuntimeError: semcom transmitter: expected the command semcom at /gone/python or on the PATH, found it at "
        "neither (/nowhere); install gr-semcom, and run `semcom grc --install` again"
    )
