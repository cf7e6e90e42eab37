"""Blocks as processes: starts one fresh `python -m` process a block, and speaks with them over one local socket.

A forked torch hangs, so nothing is forked; a process is told what to do by JSON on its standard input, which stays
open: when it ends, the parent is gone and the process ends as well.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import zmq

from ....blocks.block import RunContext
from ....errors import SemcomError, at
from ..edges.endpoints import ipc_endpoints
from ..graph import BlockNode, Graph
from .actor import Event
from .worker import Worker

__all__ = ["ProcessCrew", "work"]

STATUS_EVERY_MS = 500
LAST_WORDS_S = 0.2  # what a process said before it ended may still be on its way


class ProcessCrew:
    """Every block of a graph in a process of its own; the same calls as `Worker`.

    Args:
        graph, context, items: As for `Worker`.
        folder: Private folder for the sockets of this run.
        zmq_context: ZeroMQ context of the run.
    """

    def __init__(
        self,
        graph: Graph,
        context: RunContext,
        *,
        items: int | None,
        folder: Path,
        zmq_context: zmq.Context[zmq.Socket[bytes]],
    ) -> None:
        self._socket: zmq.Socket[bytes] = zmq_context.socket(zmq.ROUTER)
        address = f"ipc://{folder}/workers"
        self._socket.bind(address)
        self._peers: dict[str, bytes] = {}
        self._unsaid: dict[str, list[dict[str, Any]]] = {node.name: [] for node in graph.blocks}  # to peers yet to come
        self._dead_since_s: dict[str, float] = {}
        self._status: dict[str, dict[str, Any]] = {}
        self._reports: dict[str, dict[str, Any]] = {}
        self._ended: set[str] = set()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        job = {
            "graph": msgspec.to_builtins(graph),
            "context": asdict(context),
            "items": items,
            "endpoints": ipc_endpoints(graph, folder),
            "control": address,
        }
        self._where = {node.name: node.where for node in graph.blocks}
        self._jobs = {node.name: json.dumps({**job, "block": node.name}).encode() for node in graph.blocks}

    @property
    def pollable(self) -> zmq.Socket[bytes]:
        """Becomes readable when there are events."""
        return self._socket

    def start(self) -> None:
        """Start the processes."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        for name, job in self._jobs.items():
            child = subprocess.Popen(
                [sys.executable, "-m", __package__ + ".processes"],
                stdin=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # Ctrl-C goes to the parent alone, which ends the run in order
            )
            self._children[name] = child
            if child.stdin is not None:
                with contextlib.suppress(BrokenPipeError):  # it died at once; `take_events` says so
                    child.stdin.write(job + b"\n")
                    child.stdin.flush()

    def take_events(self) -> list[Event]:
        """Return what happened since the last call; a process that died shows as a ``failed`` event."""
        events: list[Event] = []
        while (message := self._receive()) is not None:
            name = message["block"]
            self._status[name] = message["status"]
            if "report" in message:
                self._reports[name] = message["report"]
            events += message["events"]
        for event in events:
            if event["event"] in ("done", "failed"):
                self._ended.add(event["block"])
        for name, child in self._children.items():
            if name not in self._ended and child.poll() is not None:
                since_s = self._dead_since_s.setdefault(name, time.monotonic())
                if time.monotonic() - since_s < LAST_WORDS_S:
                    continue
                self._ended.add(name)
                events.append(
                    {
                        "event": "failed",
                        "block": name,
                        "kind": "WorkerLost",
                        "exit_code": 1,
                        "message": at(
                            self._where[name],
                            f"block '{name}': its worker process {child.pid} {_how(child.returncode)}",
                        ),
                    }
                )
        return events

    def go(self) -> None:
        """Let the blocks work."""
        self._tell_all({"do": "go"})

    def stop(self) -> None:
        """End gracefully."""
        self._tell_all({"do": "stop"})

    def abort(self) -> None:
        """End now."""
        self._tell_all({"do": "abort"})

    def set_params(self, ticket: str, node: BlockNode) -> None:
        """Exchange a block's parameters between two items."""
        self._tell(node.name, {"do": "set", "ticket": ticket, "node": msgspec.to_builtins(node)})

    def swap(self, ticket: str, node: BlockNode) -> None:
        """Exchange a block between two items."""
        self._tell(node.name, {"do": "swap", "ticket": ticket, "node": msgspec.to_builtins(node)})

    def status(self) -> dict[str, Any]:
        """Counts of all blocks and edges, as last reported."""
        blocks: dict[str, Any] = {}
        edges: dict[str, dict[str, Any]] = {}
        for status in self._status.values():
            blocks |= status["blocks"]
            for name, counts in status["edges"].items():
                edges[name] = _both_ends(edges.get(name, {}), counts)
        return {"blocks": blocks, "edges": edges}

    def reports(self) -> dict[str, dict[str, Any]]:
        """What the blocks report at the end."""
        return {name: self._reports[name] for name in self._jobs if name in self._reports}

    def close(self) -> None:
        """End the processes: first by closing their input, after a second by signal."""
        for child in self._children.values():
            if child.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.close()
        deadline = time.monotonic() + 1.0
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
            if child.poll() is None:
                child.kill()
                child.wait()
        self._socket.close(linger=0)

    def _receive(self) -> dict[str, Any] | None:
        """Return the next message of a worker; what is none of ours is skipped."""
        while True:
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return None
            with contextlib.suppress(ValueError, RecursionError):
                message = json.loads(frames[-1])
                if len(frames) == 2 and isinstance(message, dict) and message.get("block") in self._jobs:
                    name = message["block"]
                    self._peers[name] = frames[0]
                    for command in self._unsaid.pop(name, ()):
                        self._tell(name, command)
                    return message

    def _tell_all(self, command: dict[str, Any]) -> None:
        for name in self._jobs:
            self._tell(name, command)

    def _tell(self, name: str, command: dict[str, Any]) -> None:
        if name not in self._peers:
            self._unsaid[name].append(command)
            return
        with contextlib.suppress(zmq.ZMQError):
            self._socket.send_multipart([self._peers[name], json.dumps(command).encode()], zmq.NOBLOCK)


def _both_ends(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Unite what the two ends of an edge have counted, each its own side; nonsense may come to either."""
    counted = {name: max(value, one.get(name, 0)) for name, value in other.items() if name != "diagnostics"}
    told = [end.get("diagnostics", {}) for end in (one, other)]
    names = dict.fromkeys(name for end in told for name in end)
    return {**counted, "diagnostics": {name: sum(end.get(name, 0) for end in told) for name in names}}


def work() -> None:
    """Run one block in this process, as the parent says on standard input and over the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit.register(gc.freeze)  # Python would search all of torch for garbage before it ends
    job = json.loads(sys.stdin.buffer.readline())
    graph = msgspec.convert(job["graph"], Graph)
    name: str = job["block"]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    parent: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    parent.connect(job["control"])
    endpoints = {int(index): address for index, address in job["endpoints"].items()}
    try:
        worker = Worker(graph, [name], endpoints, RunContext(**job["context"]), items=job["items"])
    except SemcomError as error:
        kind = type(error).__name__
        event = {"event": "failed", "block": name, "message": str(error), "exit_code": error.exit_code, "kind": kind}
        _report(parent, name, {"blocks": {}, "edges": {}}, [event], None)
        parent.close(linger=1000)
        context.term()
        return
    worker.start()
    poller = zmq.Poller()
    for source in (parent, worker.events.fileno(), sys.stdin.fileno()):
        poller.register(source, zmq.POLLIN)
    while True:
        poller.poll(STATUS_EVERY_MS)
        _obey_parent(parent, worker)
        events = worker.take_events()
        over = any(event["event"] in ("done", "failed") for event in events)
        _report(parent, name, worker.status(), events, worker.reports()[name] if over else None)
        if over:
            break
        if select.select([sys.stdin], [], [], 0)[0]:  # nothing is ever sent: readable means closed
            worker.abort()
            worker.join(1.0)
            os._exit(1)
    select.select([sys.stdin], [], [])  # stay until the parent has everything
    worker.close()
    parent.close(linger=200)
    context.term()


def _obey_parent(parent: zmq.Socket[bytes], worker: Worker) -> None:
    while True:
        try:
            command = json.loads(parent.recv(zmq.NOBLOCK))
        except zmq.Again:
            return
        match command["do"]:
            case "go":
                worker.go()
            case "stop":
                worker.stop()
            case "abort":
                worker.abort()
            case "set":
                worker.set_params(command["ticket"], msgspec.convert(command["node"], BlockNode))
            case "swap":
                worker.swap(command["ticket"], msgspec.convert(command["node"], BlockNode))


def _report(
    parent: zmq.Socket[bytes], name: str, status: dict[str, Any], events: list[Event], report: dict[str, Any] | None
) -> None:
    message = {"block": name, "status": status, "events": events}
    if report is not None:
        message["report"] = report
    parent.send(json.dumps(message).encode())


def _how(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


if __name__ == "__main__":
    work()
