"""The unit of work of a sweep, and what a worker does with it: run a part of a system's pictures, return the rows."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from ...blocks.block import Block, RunContext
from ...blocks.lookup import load_block
from ...blocks.params import live_names
from ...blocks.signature import read_signature
from ...errors import SemcomError
from ..runtime.engine.inline import InlineExecutor
from ..runtime.graph import Graph
from .collect import Collect
from .measured_graph import MeasuredGraph, Picture, draw_seed
from .witness import Witness, merged_row

__all__ = ["Done", "Part", "Task", "run_files", "run_task"]

KEPT_AT_MOST = 64  # started blocks that a worker keeps: a few systems of a sweep
GIVE_UP_AFTER = 3  # pictures in a row at which a flowgraph raises: it will do so at the others


class Part(msgspec.Struct, frozen=True):
    """Pictures of one draw whose numbers follow each other."""

    draw: int
    first: int
    pictures: tuple[Picture, ...]


class Task(msgspec.Struct, frozen=True):
    """Parts of one point of one system; plain values, so that it goes to any machine.

    Attributes:
        system: The system's name, for messages.
        measured: What to run.
        seed: Of the sweep.
        parts: Draws and pictures.
        contents: Picture files by digest, for workers that do not see the folder.
        witness: What is measured beside quality and bandwidth.
    """

    system: str
    measured: MeasuredGraph
    seed: int
    parts: tuple[Part, ...]
    contents: dict[str, bytes] = {}
    witness: Witness = Witness()

    @property
    def items(self) -> int:
        """Items that it measures."""
        return sum(len(part.pictures) for part in self.parts)


class Done(msgspec.Struct, frozen=True):
    """What came of a task.

    Attributes:
        rows: An item each: draw, seq, label, digest, and what was measured.
        busy_s: Seconds that the worker spent on it.
        errors: What the flowgraph raised: draw, number of the picture, message.
        absent: A picture is not where it was said to be: the task wants `contents`.
    """

    rows: list[dict[str, Any]]
    busy_s: float
    errors: list[tuple[int, int, str]] = []
    absent: str = ""


_kept = threading.local()  # each thread its own: a block is used by one at a time


def run_task(content: bytes) -> bytes:
    """Run a task, as MessagePack; what a worker calls.

    The blocks that it starts (networks) are kept for the next task of the same system.
    """
    began = time.perf_counter()
    task = msgspec.msgpack.decode(content, type=Task)
    rows: list[dict[str, Any]] = []
    errors: list[tuple[int, int, str]] = []
    absent = ""
    _fix_threads(task.measured.graph.torch_threads)
    try:
        for part in task.parts:
            (_run_part if task.witness.transmissions == 1 else _run_repeatedly)(task, part, rows, errors)
    except FileNotFoundError as missing:
        rows, errors, absent = [], [], str(missing)
    return msgspec.msgpack.encode(Done(rows, time.perf_counter() - began, errors, absent))


def _run_part(task: Task, part: Part, rows: list[dict[str, Any]], errors: list[tuple[int, int, str]]) -> None:
    """Run a part; after a picture at which the flowgraph raised go on with the next, but not for ever."""
    files = [_file(picture, task.contents) for picture in part.pictures]
    at, in_a_row = 0, 0
    while at < len(files) and in_a_row < GIVE_UP_AFTER:
        collect = Collect(task.measured.sink, task.witness)
        error: SemcomError | None = None
        try:
            run_files(task.measured, draw_seed(task.seed, part.draw), files[at:], part.first + at, collect)
        except SemcomError as raised:
            error = raised
        for row in collect.rows:
            picture = part.pictures[row["seq"] - part.first]
            rows.append({"draw": part.draw, "digest": picture.digest, **row})
        if error is None:
            return
        in_a_row = 1 if collect.rows else in_a_row + 1
        at = max((row["seq"] - part.first + 1 for row in collect.rows), default=at)
        errors.append((part.draw, part.first + at, " ".join(str(error).split())))
        at += 1


def _run_repeatedly(task: Task, part: Part, rows: list[dict[str, Any]], errors: list[tuple[int, int, str]]) -> None:
    """Send each picture so many times, each time with a seed of its own, and make one row of it."""
    times, in_a_row = task.witness.transmissions, 0
    for number, picture in enumerate(part.pictures, part.first):
        file, collect = _file(picture, task.contents), Collect(task.measured.sink, task.witness)
        try:
            for draw in range(part.draw * times, (part.draw + 1) * times):
                run_files(task.measured, draw_seed(task.seed, draw), [file], number, collect)
            if len(collect.rows) == times:
                row = merged_row(collect.rows, collect.received, task.witness)
                rows.append({"draw": part.draw, "digest": picture.digest, **row})
            in_a_row = 0
        except SemcomError as error:
            errors.append((part.draw, number, " ".join(str(error).split())))
            in_a_row += 1
        if in_a_row == GIVE_UP_AFTER:
            return


def run_files(measured: MeasuredGraph, seed: int, files: list[str], first: int, collect: Collect) -> InlineExecutor:
    """Run a graph inline over some pictures; blocks that load something are kept for the next call of this thread.

    Args:
        measured: What to run.
        seed: Of the run.
        files: The pictures.
        first: Number of the first.
        collect: Takes the place of the sink.

    Returns:
        The executor, at its end: it knows how long each block was busy.

    Raises:
        SemcomError: a block raised, or could not start.
    """
    graph = measured.part(files, first, seed)
    keys = {node.name: key for node in graph.blocks if (key := _key(graph, node.name)) is not None}
    kept = _kept.__dict__.setdefault("blocks", {})
    started: dict[str, Block] = {}
    if not kept:
        collect.start()
    for name, key in keys.items():
        if key in kept:
            started[name] = kept.pop(key)  # put back when the run has ended well
            _renew(started[name], graph)
    executor = InlineExecutor(graph, RunContext(), started={**started, collect.name: collect})
    executor.run()
    kept.update({keys[name]: block for name, block in executor.started.items() if name in keys})
    while len(kept) > KEPT_AT_MOST:
        del kept[next(iter(kept))]
    return executor


def _key(graph: Graph, name: str) -> str | None:
    """What two blocks share that may stand for each other; None for a block that is made anew each time.

    Kept are blocks that load something in `start` and flush nothing in `finish`; by the contract of blocks an item's
    bytes do not depend on the items before it. Streams of samples are another matter.
    """
    node = graph.block(name)
    cls = load_block(node.use)
    signature = read_signature(cls)
    ports = [*(port.type for port in signature.inputs.values()), *signature.outputs.values()]
    if (
        cls.start is Block.start
        or cls.finish is not Block.finish
        or not signature.inputs
        or not signature.outputs
        or any(port.stream for port in ports)
    ):
        return None
    live = live_names(cls.Params)
    fixed = {key: value for key, value in node.params.items() if key not in live}
    return f"{name} {node.use} {graph.torch_threads} {msgspec.json.encode(fixed, order='deterministic').decode()}"


def _renew(block: Block, graph: Graph) -> None:
    block.params = block.Params.model_validate(graph.block(block.name).params)
    block.seed = graph.seed
    block.measured = {}


def _file(picture: Picture, contents: dict[str, bytes]) -> str:
    """Where a picture lies on this machine: where it was said to, or a copy of what came with the task.

    Raises:
        FileNotFoundError: neither.
    """
    path = Path(picture.path)
    with contextlib.suppress(OSError):
        if hashlib.sha256(path.read_bytes()).hexdigest()[:16] == picture.digest:
            return picture.path
    copy = _folder() / picture.digest / path.name
    if not copy.is_file():
        if picture.digest not in contents:
            raise FileNotFoundError(f"{picture.path}: not on the worker, or another picture there")
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(f".{os.getpid()}-{threading.get_ident()}")
        partial.write_bytes(contents[picture.digest])
        partial.replace(copy)
    return str(copy)


def _folder() -> Path:
    """Where this worker keeps pictures: the folder that dask removes with the worker."""
    try:
        from distributed import get_worker

        return Path(get_worker().local_directory) / "pictures"
    except (ImportError, ValueError):
        return Path(tempfile.gettempdir()) / f"semcom-sweep-{os.getuid()}"


def _fix_threads(count: int) -> None:
    """Tell torch how many threads before it is first imported; its results depend on them."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
