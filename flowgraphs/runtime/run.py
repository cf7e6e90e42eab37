"""Runs a resolved flowgraph: chooses the executor, watches over it, answers its control socket, writes its record."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import zmq

from ...blocks.block import RunContext
from ...errors import Interrupted, RunError, SemcomError, UsageError
from .counts import BlockReport, EdgeCount
from .edges.endpoints import place_endpoints
from .engine.control import ControlServer
from .engine.inline import InlineExecutor
from .engine.place import RunningPlace
from .engine.processes import ProcessCrew
from .engine.supervisor import PROGRESS_EVERY_S, Crew, Supervisor
from .engine.thread_exit import exits_as_errors
from .engine.worker import Worker
from .graph import Graph
from .language.drawing import svg
from .language.resolved import resolved_yaml
from .run_record import RunResult, software_versions, write_record

__all__ = ["RunOptions", "run"]

OnProgress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class RunOptions:
    """How to run a graph.

    Attributes:
        executor: ``inline``: one thread, no sockets; ``threads`` and ``processes``: every block an actor.
        items: Items that each source makes at most.
        place: Run this place alone.
        out: Folder of the record; default: the sinks' own, else ``out/<name>``.
        wait_s: How long to wait for the other places of the file; None: for ever.
    """

    executor: Literal["inline", "threads", "processes"] = "threads"
    items: int | None = None
    place: str | None = None
    out: Path | None = None
    wait_s: float | None = None


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
    context = RunContext(
        graph.name, resolved_yaml(graph), svg(graph), graph.seed, software_versions(), graph_hash=graph.hash()
    )
    started = time.monotonic()
    run_it = _run_inline if options.executor == "inline" else _run_streaming
    with exits_as_errors():
        result, failure = run_it(graph, options, context, progress or (lambda status: None))
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
        supervisor = Supervisor(graph, crew, control, progress, wait_s=options.wait_s)
        try:
            supervisor.run()
        except KeyboardInterrupt:
            supervisor.interrupt()
        finally:
            status, reports = crew.status(), crew.reports()
            crew.close()
            place = crew.place if isinstance(crew, Worker) else None
            if supervisor.failure is None and place is not None:
                place.ledger.forget()
    finally:
        control.close()
        zmq_context.destroy(linger=200)
    edges = {name: EdgeCount(**counts) for name, counts in status["edges"].items()}
    blocks = {name: BlockReport(**report) for name, report in reports.items()}
    result = _result(edges, blocks, supervisor.failure, stopped=supervisor.stopped)
    result.duration_s = supervisor.duration_s
    result.senders = [] if place is None else place.senders()
    return result, supervisor.failure


def _crew(
    graph: Graph,
    options: RunOptions,
    context: RunContext,
    control: ControlServer,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
) -> Crew:
    if options.place is not None:
        if options.executor == "processes":
            raise UsageError("--place: the blocks of a place run as threads of one process; leave --executor out")
        places = {place.name: place for place in graph.places}
        if options.place not in places:
            known = ", ".join(places) or "none"
            raise UsageError(f"--place {options.place}: expected a place of {graph.file or graph.name}: {known}")
        blocks = places[options.place].blocks
        return Worker(
            graph,
            blocks,
            place_endpoints(graph),
            context,
            items=options.items,
            place=RunningPlace(graph, blocks, _record_path(graph, options).with_suffix(".progress")),
        )
    if options.executor == "processes":
        return ProcessCrew(graph, context, items=options.items, folder=control.folder, zmq_context=zmq_context)
    return Worker(graph, [node.name for node in graph.blocks], {}, context, items=options.items)


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
