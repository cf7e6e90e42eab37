"""Peers of radio blocks: plain sockets, as anybody would write them."""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

PATIENCE_S = 10.0
GNURADIO_PYTHON = "/usr/bin/python3"


@pytest.fixture
def peer() -> Iterator[Callable[..., zmq.Socket[bytes]]]:
    """Open sockets: ``peer(zmq.PULL, "bind", address)``; all are closed at the end."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    opened = []

    def open_one(kind: int, attach: str, address: str, **options: Any) -> zmq.Socket[bytes]:
        made = context.socket(kind)
        opened.append(made)
        made.linger = 0
        made.rcvtimeo = made.sndtimeo = int(1000 * PATIENCE_S)
        for name, value in options.items():
            made.set(getattr(zmq, name), value)
        getattr(made, attach)(address)
        return made

    yield open_one
    context.destroy(linger=0)


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(params=["ipc", "tcp"])
def address(request: pytest.FixtureRequest, port: int) -> str:
    """An address to meet at."""
    return "ipc://here" if request.param == "ipc" else f"tcp://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def gnuradio_python() -> str:
    """The Python that has GNU Radio: the system's."""
    probe = [GNURADIO_PYTHON, "-c", "from gnuradio import zeromq"]
    found = shutil.which(GNURADIO_PYTHON) and not subprocess.run(probe, capture_output=True, check=False).returncode
    return GNURADIO_PYTHON if found else pytest.skip("GNU Radio is not installed: apt-get install gnuradio")


@pytest.fixture
def gnuradio(gnuradio_python: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start GNU Radio with a job; what is left of it is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**job: Any) -> subprocess.Popen[bytes]:
        words = [gnuradio_python, str(Path(__file__).with_name("gnuradio_peer.py")), json.dumps(job)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def first(source: Iterator[Any], count: int) -> list[Any]:
    """Return what a source gives first, however long it waits for its peer."""
    found = (item for item in source if item is not None)
    return list(itertools.islice(found, count))
