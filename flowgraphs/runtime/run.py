"""Runs a resolved flowgraph: chooses the executor, watches over it, answers its control socket, writes its record."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
import zmq

from ... import errors
from ...blocks.block import RunContext
from ...errors import Interrupted, RunError, SemcomError, UsageError
from .counts import BlockReport, EdgeCount
from .edges.endpoints import place_endpoints
from .engine.actor import Event
from .engine.control import ControlServer
from .engine.inline import InlineExecutor
from .engine.processes import ProcessCrew
from .engine.worker import Worker
from .graph import BlockNode, Graph
from .language.drawing import svg
from .language.live_change import resolve_set, resolve_swap
from .language.overrides import Swap
from .language.resolved import resolved_yaml
from .run_record import RunResult, software_versions, write_record

__all__ = ["RunOptions", "run"]

PROGRESS_EVERY_S = 0.5
ABORT_PATIENCE_S = 10.0  # for the `work` calls in progress; a thread cannot be ended from outside
OnProgress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class RunOptions:
    """How to run a graph.

    Attributes:
        executor: ``inline``: one thread, no sockets; ``threads`` and ``processes``: every block an actor.
        items: Items that each source makes at most.
        place: Run this place alone.
        out: Folder of the record; default: the sinks' own, else ``out/<name>``.
    """

    executor: Literal["inline", "threads", "processes"] = "threads"
    items: int | None = None
    place: str | None = None
    out: Path | None = None


def run(graph: Graph, options: RunOptions = RunOptions(), progress: OnProgress | None = None) -> RunResult:
    """Run a graph to its end and write `run.json`.

    Args:
        graph: The resolved graph.
        options: How to run it.
        progress: Called about twice a second with the counts of all blocks.

    Raises:
        UsageError: the options do not fit the graph.
        SemcomError: the run failed; `run.json` and what the sinks had finished are on disk. `Interrupted` on Ctrl-C.
            Where blocks had been built, the error's attribute `result` is the run's `RunResult`.
    """
    _fix_torch_threads(graph)
    context = RunContext(graph.name, resolved_yaml(graph), svg(graph), graph.seed, software_versions())
    started = time.monotonic()
    result, failure = (_run_inline if options.executor == "inline" else _run_streaming)(
        graph, options, context, progress or (lambda status: None)
    )
    result.duration_s = result.duration_s or time.monotonic() - started
    record = _record_path(graph, options)
    result.record = str(record)
    try:
        write_record(record, graph, result, f"place {options.place}" if options.place else options.executor)
    except OSError as error:
        failure = failure or RunError(
            f"{record}: cannot write the run's record: {error.strerror}; free space, or --out"
        )
    if failure is not None:
        failure.result = result  # type: ignore[attr-defined]
        raise failure
    return result


class _Crew(Protocol):
    """What runs the blocks: threads here, or processes."""

    @property
    def pollable(self) -> Any: ...
    def start(self) -> None: ...
    def take_events(self) -> list[Event]: ...
    def go(self) -> None: ...
    def stop(self) -> None: ...
    def abort(self) -> None: ...
    def set_params(self, ticket: str, node: BlockNode) -> None: ...
    def swap(self, ticket: str, node: BlockNode) -> None: ...
    def status(self) -> dict[str, Any]: ...
    def reports(self) -> dict[str, dict[str, Any]]: ...
    def close(self) -> None: ...


def _run_inline(
    graph: Graph, options: RunOptions, context: RunContext, progress: OnProgress
) -> tuple[RunResult, SemcomError | None]:
    if options.place:
        raise UsageError("--place: a place runs with the streaming executors, got --executor inline")
    try:
        executor = InlineExecutor(graph, context, options.items)
    except SemcomError as error:
        return _result({}, {}, error, stopped=False), error
    began = last = time.monotonic()

    def tick() -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_EVERY_S:
            last = time.monotonic()
            counts = {
                name: {"items": report.items, "busy_s": report.busy_s, "queue": 0, "dropped": 0}
                for name, report in executor.blocks.items()
            }
            progress({"elapsed_s": last - began, "blocks": counts})

    failure: SemcomError | None = None
    try:
        executor.run(tick)
    except SemcomError as error:
        failure = error
    except KeyboardInterrupt:
        failure = Interrupted("interrupted; what was finished is kept")
    return _result(executor.edges, executor.blocks, failure, stopped=False), failure


def _run_streaming(
    graph: Graph, options: RunOptions, context: RunContext, progress: OnProgress
) -> tuple[RunResult, SemcomError | None]:
    zmq_context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    control = ControlServer(zmq_context, graph.name)
    try:
        crew = _crew(graph, options, context, control, zmq_context)
        supervisor = _Supervisor(graph, crew, control, progress)
        try:
            supervisor.run()
        except KeyboardInterrupt:
            supervisor.interrupt()
        finally:
            status, reports = crew.status(), crew.reports()
            crew.close()
            if supervisor.failure is None and isinstance(crew, Worker) and crew.progress is not None:
                crew.progress.forget()
    finally:
        control.close()
        zmq_context.destroy(linger=200)
    edges = {name: EdgeCount(**counts) for name, counts in status["edges"].items()}
    blocks = {name: BlockReport(**report) for name, report in reports.items()}
    result = _result(edges, blocks, supervisor.failure, stopped=supervisor.stopped)
    result.duration_s = supervisor.duration_s
    return result, supervisor.failure


def _crew(
    graph: Graph,
    options: RunOptions,
    context: RunContext,
    control: ControlServer,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
) -> _Crew:
    if options.place is not None:
        if options.executor == "processes":
            raise UsageError("--place: the blocks of a place run as threads of one process; leave --executor out")
        places = {place.name: place for place in graph.places}
        if options.place not in places:
            known = ", ".join(places) or "none"
            raise UsageError(f"--place {options.place}: expected a place of {graph.file or graph.name}: {known}")
        return Worker(
            graph,
            places[options.place].blocks,
            place_endpoints(graph),
            context,
            items=options.items,
            progress_file=_record_path(graph, options).with_suffix(".progress"),
        )
    if options.executor == "processes":
        return ProcessCrew(graph, context, items=options.items, folder=control.folder, zmq_context=zmq_context)
    return Worker(graph, [node.name for node in graph.blocks], {}, context, items=options.items)


@dataclass
class _Supervisor:
    """Sees a crew through its run: all ready, go, commands, first failure, all ended."""

    graph: Graph
    crew: _Crew
    control: ControlServer
    progress: OnProgress
    failure: SemcomError | None = None
    stopped: bool = False
    duration_s: float = 0.0
    _ready: set[str] = field(default_factory=set)
    _ended: set[str] = field(default_factory=set)
    _tickets: dict[str, tuple[bytes, BlockNode]] = field(default_factory=dict)
    _later: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)  # changes of a block that is changing
    _going: bool = False
    _began: float = 0.0
    _last_progress: float = 0.0
    _abort_by: float = float("inf")
    _names: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Run until every block has ended."""
        self.crew.start()
        self._names = set(getattr(self.crew, "actors", None) or (node.name for node in self.graph.blocks))
        self._began = time.monotonic()
        poller = zmq.Poller()
        poller.register(self.control.socket, zmq.POLLIN)
        poller.register(self.crew.pollable, zmq.POLLIN)
        while self._ended < self._names and time.monotonic() < self._abort_by:
            poller.poll(int(1000 * PROGRESS_EVERY_S / 2))
            for event in self.crew.take_events():
                self._on_event(event)
            while (received := self.control.receive()) is not None:
                self._on_command(*received)
            now = time.monotonic()
            if self._going and now - self._last_progress >= PROGRESS_EVERY_S:
                self._last_progress = now
                self.progress({"elapsed_s": now - self._began, **self.crew.status()})
        self.duration_s = time.monotonic() - self._began
        self._say_ended()

    def interrupt(self) -> None:
        """Ctrl-C: stop as after an error; a second one stops waiting."""
        self._fail(Interrupted("interrupted; what was finished is kept"))
        with contextlib.suppress(KeyboardInterrupt):
            while self._ended < self._names and time.monotonic() < self._abort_by:
                time.sleep(0.01)
                for event in self.crew.take_events():
                    self._on_event(event)
        self.duration_s = time.monotonic() - self._began
        self._say_ended()

    def _on_event(self, event: Event) -> None:
        block = event["block"]
        match event["event"]:
            case "ready":
                self._ready.add(block)
                if self._ready >= self._names and not self._going:
                    self._going = True
                    self._began = time.monotonic()
                    self.crew.go()
            case "done":
                self._note_end(block)
            case "failed":
                self._note_end(block)
                self._fail(_revive(event))
            case "reply":
                self._on_reply(event)

    def _on_reply(self, event: Event) -> None:
        if event["ticket"] not in self._tickets:  # the block ended first, and its client knows
            return
        client, node = self._tickets.pop(event["ticket"])
        if event["ok"]:
            blocks = tuple(node if block.name == node.name else block for block in self.graph.blocks)
            self.graph = msgspec.structs.replace(self.graph, blocks=blocks)
        self.control.answer(client, {key: value for key, value in event.items() if key not in ("event", "ticket")})
        self._take_up_later()

    def _note_end(self, block: str) -> None:
        self._ended.add(block)
        for ticket, (client, node) in list(self._tickets.items()):
            if node.name == block:
                del self._tickets[ticket]
                self.control.answer(client, {"ok": False, "message": f"block '{block}' has ended"})
        self._take_up_later()

    def _take_up_later(self) -> None:
        later, self._later = self._later, []
        for client, command in later:
            self._on_command(client, command)

    def _say_ended(self) -> None:
        """Answer everybody who still waits: nothing will change any more."""
        waiting = [client for client, _ in [*self._tickets.values(), *self._later]]
        while (received := self.control.receive()) is not None:
            waiting.append(received[0])
        for client in waiting:
            self.control.answer(client, {"ok": False, "message": f"flowgraph '{self.graph.name}' has ended"})

    def _on_command(self, client: bytes, command: dict[str, Any]) -> None:
        try:
            answer = self._command(client, command)
        except SemcomError as error:
            answer = {"ok": False, "message": str(error)}
        except (KeyError, TypeError, ValueError) as error:
            answer = {"ok": False, "message": f"a command lacks or misuses {error}"}
        if answer is not None:
            self.control.answer(client, answer)

    def _command(self, client: bytes, command: dict[str, Any]) -> dict[str, Any] | None:
        if any(node.name == command.get("block") for _, node in self._tickets.values()):
            self._later.append((client, command))  # it builds on what the change in progress makes of the block
            return None
        match command.get("do"):
            case "status":
                return {
                    "ok": True,
                    "name": self.graph.name,
                    "pid": os.getpid(),
                    "elapsed_s": time.monotonic() - self._began,
                    "running": self._going,
                    **self.crew.status(),
                }
            case "stop":
                self.stopped = True
                self.crew.stop()
                return {"ok": True}
            case "set":
                node = resolve_set(self.graph, command["block"], command["param"], command["value"])
                return self._change(client, node, self.crew.set_params)
            case "swap":
                spec = Swap(str(command["use"]), dict(command.get("params") or {}))
                return self._change(client, resolve_swap(self.graph, command["block"], spec), self.crew.swap)
        return {"ok": False, "message": f"expected do: status, set, swap or stop, got {command.get('do')!r}"}

    def _change(
        self, client: bytes, node: BlockNode, exchange: Callable[[str, BlockNode], None]
    ) -> dict[str, Any] | None:
        if node.name not in self._names:
            return {"ok": False, "message": f"block '{node.name}' runs in another place"}
        if node.name in self._ended:
            return {"ok": False, "message": f"block '{node.name}' has ended"}
        ticket = f"{len(self._tickets)}-{time.monotonic_ns()}"
        self._tickets[ticket] = (client, node)
        exchange(ticket, node)
        return None

    def _fail(self, error: SemcomError) -> None:
        if self.failure is None:
            self.failure = error
            self._abort_by = time.monotonic() + ABORT_PATIENCE_S
            self.crew.abort()


def _revive(event: Event) -> SemcomError:
    """Make the error again that a block's thread or process described."""
    kind = getattr(errors, str(event.get("kind")), RunError)
    error = SemcomError.__new__(kind if isinstance(kind, type) and issubclass(kind, SemcomError) else RunError)
    Exception.__init__(error, event["message"])
    error.exit_code = event["exit_code"]
    return error


def _result(
    edges: dict[str, EdgeCount], blocks: dict[str, BlockReport], failure: SemcomError | None, *, stopped: bool
) -> RunResult:
    if failure is None:
        return RunResult("stopped" if stopped else "ok", edges, blocks)
    status: Literal["failed", "interrupted"] = "interrupted" if isinstance(failure, Interrupted) else "failed"
    return RunResult(status, edges, blocks, error=str(failure), exit_code=failure.exit_code)


def _record_path(graph: Graph, options: RunOptions) -> Path:
    named = [node.params["out"] for node in graph.blocks if isinstance(node.params.get("out"), str)]
    folder = options.out or Path(named[0] if named else f"out/{graph.name}")
    return folder / (f"run-{options.place}.json" if options.place else "run.json")


def _fix_torch_threads(graph: Graph) -> None:
    """Tell torch how many threads before it is first imported; its results depend on them."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(graph.torch_threads)
    if "torch" in sys.modules:
        importlib.import_module("torch").set_num_threads(graph.torch_threads)
