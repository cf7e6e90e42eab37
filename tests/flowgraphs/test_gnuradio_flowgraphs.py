"""`gnuradio-tx` and `gnuradio-rx`, joined directly, and by the flowgraphs of GNU Radio that come with them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.errors import ControlError
from semcom.flowgraphs.grc.install import examples
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.engine.idle import wait_until_idle
from semcom.flowgraphs.runtime.engine.running_block import build_block
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.sim.metrics.psnr import psnr_db

PYTHON = "/usr/bin/python3"  # the system's, which has GNU Radio where it is installed
with_gnuradio = pytest.mark.skipif(
    shutil.which("grcc") is None, reason="GNU Radio is not installed: apt-get install gnuradio"
)
SIZE = "photos.size=[64, 96]"
PICTURES = 5
PATIENCE_S = 180.0  # four programs start, on two cores that have other work too
SWAPS = {
    "cdm_jscc": ("encoder=encoders/cdm_jscc:cbr=1/12", "decoder=decoders/cdm_jscc:variant=d,steps=1"),
    "sc_sic": ("encoder=encoders/sc_sic:variant=mini-48", "decoder=decoders/sc_sic:variant=mini-48,steps=2"),
    "ofdm": ("burst=framing/ofdm", "sync=sync/ofdm"),
}
CLASSICAL = ("encoder=encoders/coded_link:cbr=1/12", "decoder=decoders/coded_link")
Start = Callable[..., subprocess.Popen[str]]
pytestmark = pytest.mark.timeout(480)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def start(warm: Path) -> Iterator[Start]:
    """Start a program; what is left of it is killed at the end."""
    started: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "PATH": f"{warm}:{os.environ['PATH']}"}

    def begin(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(words, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two that are free now."""
    with socket.socket() as one, socket.socket() as two:
        for found in (one, two):
            found.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def addresses(ports: tuple[int, int]) -> tuple[str, str]:
    return f"address=tcp://127.0.0.1:{ports[0]}", f"address=tcp://127.0.0.1:{ports[1]}"


def cross(start: Start, sent: str, received: str, swaps: tuple[str, ...] = (), items: int = 5) -> dict:
    """Run both flowgraphs, and return the record of the receiver's."""
    given = [word for swap in swaps[1:] for word in ("--swap", swap)]
    rx = start("semcom", "run", "gnuradio-rx", "--quiet", "--var", received, "--out", "out/rx", *given)
    given = [word for swap in swaps[:1] for word in ("--swap", swap)]
    given += ["--set", SIZE, "--items", str(items)]
    tx = start("semcom", "run", "gnuradio-tx", "--quiet", "--var", sent, "--out", "out/tx", *given)
    said, _ = tx.communicate(timeout=PATIENCE_S)
    assert tx.returncode == 0, said
    until_all_came("gnuradio-rx")  # the last burst waits for the end of the stream
    request("gnuradio-rx", {"do": "stop"})
    said, _ = rx.communicate(timeout=PATIENCE_S)
    assert rx.returncode == 0, said
    return json.loads(Path("out/rx/run.json").read_text())


def until_all_came(run: str) -> None:
    """Wait until the source of a run has given something, and then nothing more."""
    deadline, came = time.monotonic() + PATIENCE_S, 0
    while not came and time.monotonic() < deadline:
        time.sleep(0.1)
        with contextlib.suppress(ControlError, KeyError):  # it is only starting
            came = request(run, {"do": "status"})["blocks"]["rx"]["items"]
    wait_until_idle(run, "rx")


def through_gnuradio(start: Start, ports: tuple[int, int], program: Path, *options: str) -> None:
    ends = ("--from-address", f"tcp://127.0.0.1:{ports[0]}", "--to-address", f"tcp://127.0.0.1:{ports[1]}")
    channel = start(PYTHON, str(program), *ends, *options)
    time.sleep(0.5)
    assert channel.poll() is None, channel.communicate()[0]


def mean_psnr_db() -> float:
    """Of what arrived against what was sent, whose names only the transmitter knows."""
    graph = load_graph("gnuradio-tx", Overrides.parse(sets=(SIZE,)))
    photos = build_block(graph.block("photos"), 0)
    photos.start()
    sent = [out.value for out in photos.work()]
    got = [np.asarray(Image.open(path)) for path in sorted(Path("out/rx").glob("*.png"))]
    return float(np.mean([psnr_db(a, b) for a, b in zip(sent, got, strict=True)]))


def simulated_psnr_db(*sets: str) -> float:
    """The same chain, with the channel in simulation."""
    sets = (SIZE, "multipath.delay_spread_ns=0", "multipath.profile=D", "multipath.doppler_hz=0", *sets)
    graph = load_graph("radio-loopback", Overrides.parse(sets=sets))
    return float(run(graph, RunOptions("inline")).metrics["psnr_db"])


def test_the_two_halves_meet_without_gnuradio(start, ports):
    where = addresses(ports)[0]
    record = cross(start, where, where)
    assert record["counted"]["sync"] == {"bursts": PICTURES}
    assert not record["lossy"]


@with_gnuradio
@pytest.mark.slow
def test_every_burst_crosses_gnuradio_and_is_no_worse_than_in_simulation(start, ports):
    program = next(path for path in examples(Path("gnuradio")) if path.name == "channel.py")
    through_gnuradio(start, ports, program, "--esn0-db", "20", "--cfo-hz", "3000", "--clock-ppm", "20")
    record = cross(start, *addresses(ports))
    assert record["counted"]["sync"] == {"bursts": PICTURES}
    assert not record["lossy"]
    assert mean_psnr_db() == pytest.approx(simulated_psnr_db(), abs=0.5)


@with_gnuradio
@pytest.mark.slow
@pytest.mark.parametrize("system", SWAPS)
def test_other_systems_and_waveforms_swap_in(start, ports, system):
    program = next(path for path in examples(Path("gnuradio")) if path.name == "channel.py")
    through_gnuradio(start, ports, program, "--taps", "1 0 0 0.3j", "--samples-per-symbol", "1.3")
    record = cross(start, *addresses(ports), swaps=SWAPS[system], items=2)
    assert record["counted"]["sync"] == {"bursts": 2}
    assert len(list(Path("out/rx").glob("*.png"))) == 2


@with_gnuradio
@pytest.mark.slow
def test_the_classical_link_crosses_what_grcc_makes_of_the_drawing(start, ports):
    written = examples(Path("gnuradio"))
    said = subprocess.run(
        ["grcc", "-o", "gnuradio", *(str(path) for path in written if path.suffix == ".grc")],
        env={**os.environ, "HOME": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (said.returncode, "rror" in said.stdout + said.stderr) == (0, False), said.stdout + said.stderr
    radios = {path.stem for path in Path("gnuradio").glob("*.py")} - {"channel", "gnuradio_channel"}
    assert radios == {"pluto_rx", "pluto_tx", "usrp_rx", "usrp_tx"}
    through_gnuradio(start, ports, Path("gnuradio/gnuradio_channel.py"), "--esn0-db", "25")
    record = cross(start, *addresses(ports), swaps=CLASSICAL)
    assert record["counted"]["sync"] == {"bursts": PICTURES}
    assert len(list(Path("out/rx").glob("*.png"))) == PICTURES


@with_gnuradio
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_channel_ends_in_order_when_it_is_asked_to(start, ports, number):
    program = next(path for path in examples(Path("gnuradio")) if path.name == "channel.py")
    channel = start(PYTHON, str(program), *("--from-address", f"tcp://127.0.0.1:{ports[0]}"))
    assert channel.stdout is not None
    assert channel.stdout.readline() == "running\n"
    channel.send_signal(number)
    said, _ = channel.communicate(timeout=20)
    assert (channel.returncode, said) == (0, "")
