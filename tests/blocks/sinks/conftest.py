"""A tiny chain that drives sinks without an engine, and a headless Chromium that opens what they write."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest
from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Header, Identity, State, Trace
from semcom.blocks.signature import read_signature
from semcom.sim.side_information.codes import Whole
from semcom.sim.side_information.field import HeaderField


class PowerBits(HeaderField, frozen=True):
    """Side information of the test chain."""

    level: Annotated[int, Whole(16)] = 7


class Delivery(NamedTuple):
    """All that a sink may ask for, of one item."""

    received: np.ndarray
    sent: np.ndarray
    channel_input: np.ndarray
    channel_output: np.ndarray
    header: Header
    state: State
    trace: Trace
    identity: Identity


def make_delivery(seq: int, *, side: int = 192, label: str = "", esn0_db: float = 10.0) -> Delivery:
    """A smooth picture with grain, its noisy copy, and unit-energy symbols through AWGN."""
    rng = np.random.default_rng(1000 + seq)
    y, x = np.mgrid[0:side, 0:side] / side
    smooth = np.stack([0.5 + 0.4 * np.sin(5 * x + k + seq) * np.cos(4 * y - k) for k in range(3)], axis=-1)
    sent = np.clip(255 * smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
    received = np.clip(sent + rng.normal(0, 5 + seq % 7, sent.shape), 0, 255).astype(np.uint8)
    symbols = side * side * 3 // 12
    n0 = 10 ** (-esn0_db / 10)
    s = (rng.normal(size=symbols) + 1j * rng.normal(size=symbols)).astype(np.complex64)
    s /= np.sqrt(np.mean(np.abs(s) ** 2))
    w = (np.sqrt(n0 / 2) * (rng.normal(size=symbols) + 1j * rng.normal(size=symbols))).astype(np.complex64)
    energies = {
        "signal_energy": float(np.mean(np.abs(s) ** 2)),
        "noise_energy": float(np.mean(np.abs(w) ** 2)),
        "channel_uses": float(symbols),
    }
    for array in (sent, received, s, w):
        array.flags.writeable = False
    return Delivery(
        received=received,
        sent=sent,
        channel_input=s,
        channel_output=s + w,
        header=Header().with_fields(PowerBits()),
        state=State(n0=n0, esn0_db=esn0_db, csi="perfect"),
        trace=Trace(label=label or f"photo{seq}", born_s=1.0, age_s=0.025 + 0.001 * seq, values=energies),
        identity=Identity(seq),
    )


def drive(block: Block, deliveries: list[Delivery], ports: set[str], run: RunContext) -> Block:
    """Start a sink, give it items on these ports, and finish it: what an executor does."""
    signature = read_signature(type(block))
    block.start()
    for delivery in deliveries:
        arguments = {port: getattr(delivery, port) for port in ports & signature.inputs.keys()}
        arguments |= {name: getattr(delivery, name) for name in signature.injected}
        block.work(**arguments)
    assert block.finish(run) is None
    return block


@pytest.fixture
def delivery() -> Callable[..., Delivery]:
    return make_delivery


@pytest.fixture
def run_sink() -> Callable[..., Block]:
    """``run_sink(block, items, without=("sent",), run=RunContext())``."""

    def run_sink(
        block: Block, deliveries: list[Delivery], without: tuple[str, ...] = (), run: RunContext | None = None
    ) -> Block:
        ports = {"received", "sent", "channel_input", "channel_output"} - set(without)
        return drive(block, deliveries, ports, run or RunContext())

    return run_sink


class Browser:
    """Headless Chromium over its debugging pipe (file descriptors 3 and 4, messages ended by a zero byte)."""

    def __init__(self, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        wrapper = "import os,sys; a=sys.argv; os.dup2(int(a[1]),3); os.dup2(int(a[2]),4); os.execvp(a[3],a[3:])"
        # Through descriptors above 4, so that neither copy overwrites the other.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_browser, from_browser)]
        flags = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={profile}", "--remote-debugging-pipe",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", wrapper, *map(str, high), "chromium", *flags, "about:blank"],
            pass_fds=high,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for fd in (to_browser, from_browser, *high):
            os.close(fd)
        self._number = 0
        self._buffer = b""
        self.events: list[dict[str, Any]] = []
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = ""
        self._session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if getattr(self, "_session", ""):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def open(self, path: Path, width: int, height: int, scheme: str = "light") -> None:
        """Load a page in a viewport of this size; its events are collected afresh."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._receive()

    def evaluate(self, expression: str) -> Any:
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def complaints(self) -> list[str]:
        """Console messages, log entries and exceptions since the page was opened."""
        bad = ("Runtime.consoleAPICalled", "Log.entryAdded", "Runtime.exceptionThrown")
        return [json.dumps(event["params"])[:500] for event in self.events if event["method"] in bad]

    def requests(self) -> list[str]:
        """Addresses that the page asked for, itself and data URIs left out."""
        urls = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in urls[1:] if not url.startswith("data:")]

    def screenshot(self, path: Path) -> None:
        """Picture of the whole page."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        for fd in (self._write, self._read):
            os.close(fd)
        try:
            self._process.wait(5)  # it ends with its pipe
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)

    def _receive(self, timeout_s: float = 60.0) -> dict[str, Any]:
        end = time.monotonic() + timeout_s
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            chunk = os.read(self._read, 1 << 20) if ready else b""
            if not chunk:
                raise TimeoutError(f"chromium: no answer; it has exited: {self._process.poll() is not None}")
            self._buffer += chunk
        text, self._buffer = self._buffer.split(b"\0", 1)
        message = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        pytest.skip("needs the program chromium on PATH (apt-get install chromium)")
    browser = Browser(tmp_path / "profile")
    yield browser
    browser.close()
