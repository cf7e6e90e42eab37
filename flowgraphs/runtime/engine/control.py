"""The control socket of a running flowgraph: `semcom status`, `set`, `swap` and `stop` talk to it.

It is an ``ipc`` socket in a folder that only its owner can enter. A swap may load a file, which is code execution, so
this is never a network service.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

import zmq

from ....errors import ControlError

__all__ = ["ControlServer", "request", "running"]

REQUEST_TIMEOUT_MS = 120_000  # a swap loads and warms the new block before it answers
LOOK_EVERY_MS = 200  # whether the flowgraph that is asked is still there
MAX_REQUEST_BYTES = 1 << 20


class ControlServer:
    """Answers commands for one run; its `folder` also holds the run's other local sockets.

    Args:
        context: ZeroMQ context of the run.
        name: The flowgraph's name, by which `request` finds it.

    Raises:
        ControlError: the folder belongs to somebody else, others may enter it, or it cannot hold a socket.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], name: str) -> None:
        base = _base()
        _sweep(base)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base))
        self.socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
        try:
            self.socket.bind(self.address)
        except zmq.ZMQError as error:
            self.close()
            raise ControlError(
                f"{self.folder}: cannot make a socket here: {error.strerror}; set XDG_RUNTIME_DIR to a short path"
            ) from None
        (self.folder / "name").write_text(name, encoding="utf-8")

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"ipc://{self.folder}/control"

    def receive(self) -> tuple[bytes, dict[str, Any]] | None:
        """Return the next command and who sent it; garbage is answered with an error and skipped."""
        while True:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return None
            if len(frames) != 3:
                continue
            try:
                command = json.loads(frames[2])
            except (ValueError, RecursionError):
                command = None
            if isinstance(command, dict):
                return frames[0], command
            self.answer(frames[0], {"ok": False, "message": "expected one JSON object with a key 'do'"})

    def answer(self, client: bytes, reply: dict[str, Any]) -> None:
        """Answer a client; one that has gone is not waited for."""
        with contextlib.suppress(zmq.ZMQError):
            self.socket.send_multipart([client, b"", json.dumps(reply).encode()], zmq.NOBLOCK)

    def close(self) -> None:
        """Close the socket and remove the folder."""
        self.socket.close(linger=200)
        shutil.rmtree(self.folder, ignore_errors=True)


def running() -> dict[int, tuple[str, Path]]:
    """Process id → name and folder of every flowgraph that this user runs."""
    found = {}
    for pid, folder in _folders(_base()):
        with contextlib.suppress(OSError):
            if _alive(pid):
                found[pid] = ((folder / "name").read_text(encoding="utf-8"), folder)
    return found


def request(run: str | None, command: dict[str, Any], timeout_ms: int = REQUEST_TIMEOUT_MS) -> dict[str, Any]:
    """Send a command to a running flowgraph and return its answer.

    Args:
        run: The flowgraph's name or the process id of `semcom run`; ``None``: the only one that runs.
        command: ``{"do": "status"}``, ``{"do": "set", "block", "param", "value"}``, ``{"do": "swap", "block", "use",
            "params"}`` or ``{"do": "stop"}``.
        timeout_ms: How long to wait for the answer.

    Raises:
        ControlError: none or several run, it does not answer, or it refuses the command.
    """
    pid, folder = _choose(run)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket: zmq.Socket[bytes] = context.socket(zmq.REQ)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"ipc://{folder}/control")
        socket.send(json.dumps(command).encode())
        deadline = time.monotonic() + timeout_ms / 1000
        while not socket.poll(min(timeout_ms, LOOK_EVERY_MS)):
            if not (_alive(pid) and folder.exists()) and not socket.poll(LOOK_EVERY_MS):
                raise ControlError("the flowgraph ended before it answered")
            if time.monotonic() >= deadline:
                raise ControlError(
                    f"the flowgraph did not answer within {timeout_ms / 1000:g} s; is its process stopped?"
                )
        answer: dict[str, Any] = json.loads(socket.recv())
    finally:
        socket.close()
        context.term()
    if not answer.get("ok"):
        raise ControlError(str(answer.get("message", "refused")))
    return answer


def _choose(run: str | None) -> tuple[int, Path]:
    runs = running()
    listed = ", ".join(f"{name} (pid {pid})" for pid, (name, _) in sorted(runs.items())) or "none"
    matches = [(pid, folder) for pid, (name, folder) in sorted(runs.items()) if run is None or run in (name, str(pid))]
    if len(matches) == 1:
        return matches[0]
    if run is None and runs:
        raise ControlError(f"several flowgraphs are running: {listed}; name one with --run")
    if matches:
        raise ControlError(f"several flowgraphs called {run!r} are running: {listed}; give the process id")
    raise ControlError(
        f"no flowgraph is running{f' as {run!r}' if run else ''}; running: {listed}; start one with `semcom run`"
    )


def _sweep(base: Path) -> None:
    """Remove the folders of processes that were killed: a new process may get the id of an old one."""
    for pid, folder in _folders(base):
        if not _alive(pid):
            shutil.rmtree(folder, ignore_errors=True)


def _folders(base: Path) -> list[tuple[int, Path]]:
    names = ((folder.name.partition("-")[0], folder) for folder in base.iterdir())
    return [(int(pid), folder) for pid, folder in names if pid.isdecimal()]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _base() -> Path:
    """The folder of this user's control sockets, mode 0700."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) / "semcom" if runtime else Path(tempfile.gettempdir()) / f"semcom-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = base.lstat()  # not through a link that somebody else laid
    except OSError as error:
        raise ControlError(f"{base}: {error.strerror}; set XDG_RUNTIME_DIR to a folder that you own") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ControlError(f"{base}: expected a folder of mode 0700 that you own; remove it or set XDG_RUNTIME_DIR")
    return base
