"""A sweep: systems at every point of a grid, on the same pictures and the same noise, resumed where it was left."""

from __future__ import annotations

import math
import os
import platform
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from ...errors import Interrupted, UsageError
from ..runtime.result import software_versions
from .crew import Crew, Ended, open_crew
from .measured_graph import MeasuredGraph, Picture, measured_graph, pictures_of
from .over import Over, grid, point_text, value_text
from .points import difference_columns, differences, point_columns, points
from .results import Format, Store, iter_items, lock_folder, open_store, remove_results, write_json, write_table
from .systems import System
from .task import Part, Task

__all__ = ["SweepOptions", "SweepResult", "run_sweep"]

TASK_S = 2.0  # what a task aims at: long beside the handing over, short beside the sweep
FIRST_ITEMS = 2  # of the first tasks of a system, before its speed is known
MOST_ITEMS = 512
MOST_BYTES = 8 << 20  # of pictures sent along with a task
MESSAGES_SHOWN = 10
PATIENCE_S = 0.5


@dataclass(frozen=True)
class SweepOptions:
    """How to sweep.

    Attributes:
        out: Folder of the results.
        images: Pictures in place of those of the flowgraphs: a folder, a file, ``builtin:photos``.
        draws: Times each picture is sent at each point, each with noise and fading of its own.
        target_block_errors: Add draws to a point until so many blocks were wrong (pictures, where no blocks are
            counted), whole rounds of draws at a time.
        max_draws: Draws of a point at most, with a target.
        max_items: Pictures at most.
        workers: Processes of this machine; 0 for this process alone; None for one a core.
        scheduler: Address of a dask scheduler, whose workers are used instead.
        format: Of the table of items.
        fresh: Forget what is in the folder.
        command: What the user wrote, for the record.
    """

    out: Path
    images: str | None = None
    draws: int = 1
    target_block_errors: int | None = None
    max_draws: int = 100
    max_items: int | None = None
    workers: int | None = None
    scheduler: str | None = None
    format: Format = "csv"
    fresh: bool = False
    command: tuple[str, ...] = ()


@dataclass
class SweepResult:
    """The end of a sweep.

    Attributes:
        status: ``failed``: some items could not be measured; the others were.
        points: Points of all systems.
        items: Items that this run measured.
        skipped: Items that were there from an earlier run.
        failures: What could not be measured: system, point, draw, number of the picture, why.
        duration_s: From the first task on.
        busy_s: Of all workers, inside tasks.
        workers: Of them, at most.
        out: The folder.
    """

    status: Literal["ok", "failed", "interrupted"] = "ok"
    points: int = 0
    items: int = 0
    skipped: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    duration_s: float = 0.0
    busy_s: float = 0.0
    workers: int = 0
    out: str = ""

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return {"ok": 0, "failed": 1, "interrupted": Interrupted.exit_code}[self.status]

    @property
    def idle_share(self) -> float | None:
        """Share of the workers' time that was not spent in tasks: scheduling, start and end; None if nothing ran."""
        spent = self.workers * self.duration_s
        return max(0.0, 1 - self.busy_s / spent) if spent > 0 and self.items else None

    def as_json(self) -> dict[str, Any]:
        """What `semcom sweep --json` prints."""
        share = self.idle_share
        return {
            "status": self.status,
            "points": self.points,
            "items": self.items,
            "skipped": self.skipped,
            "failures": len(self.failures),
            "duration_s": round(self.duration_s, 3),
            "busy_s": round(self.busy_s, 3),
            "workers": self.workers,
            "idle_share": None if share is None else round(share, 4),
            "out": self.out,
        }


Note = Callable[[str], None]
OnProgress = Callable[[int, int], None]
"""Called with the items that are done and those known to be wanted."""


def run_sweep(
    systems: Sequence[System],
    overs: Sequence[Over],
    options: SweepOptions,
    *,
    note: Note = lambda text: None,
    progress: OnProgress = lambda done, wanted: None,
) -> SweepResult:
    """Measure every system at every point; leave ``items``, ``points.csv``, ``differences.csv``, ``sweep.json``.

    All systems meet the same pictures and, where their blocks have the same names, the same noise. What an earlier run
    left in the folder is not measured again. Ctrl-C ends the sweep within seconds and keeps what is finished.

    Args:
        systems: What to compare.
        overs: The axes of the grid.
        options: How.
        note: Told what the user should know.
        progress: Told how far it is.

    Raises:
        UsageError: a system does not resolve at a point, or the folder holds a sweep that this one does not go on.
        InputError: there are no pictures.
        RunError: a file cannot be written, or the scheduler is gone.
    """
    plan = _Plan(systems, overs, options, note)
    lock = lock_folder(options.out)
    try:
        if options.fresh:
            remove_results(options.out)
        return _Sweep(plan, options, note, progress).run()
    finally:
        os.close(lock)


@dataclass
class _Point:
    """One system at one point: what is wanted of it, and what there is."""

    system: str
    grid: dict[str, str]
    measured: MeasuredGraph
    pictures: list[Picture]
    draws: int
    done: dict[int, set[int]] = field(default_factory=dict)  # draw → numbers of pictures
    wrong: dict[int, float] = field(default_factory=dict)  # draw → block errors
    counts: bool = False  # something counts block errors or failures
    waiting: int = 0
    failed: bool = False

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        return self.system, self.measured.hash, tuple(self.grid.values())

    def add(self, row: dict[str, Any]) -> None:
        """Note that an item is there."""
        self.done.setdefault(row["draw"], set()).add(row["seq"])
        counted = row.get("block_errors")
        counted = row.get("failed") if counted is None else counted
        if counted is not None:
            self.counts = True
            self.wrong[row["draw"]] = self.wrong.get(row["draw"], 0) + counted


@dataclass(frozen=True)
class _Unit:
    """Pictures of one draw of one point that are to be measured: ``first`` to ``stop - 1``."""

    point: _Point
    draw: int
    first: int
    stop: int


class _Plan:
    """Every system resolved at every point, before anything runs."""

    def __init__(self, systems: Sequence[System], overs: Sequence[Over], options: SweepOptions, note: Note) -> None:
        self.systems, self.overs = systems, overs
        self.names = tuple(over.name for over in overs)
        self.points: list[_Point] = []
        self.graphs: dict[str, Any] = {}
        self.pictures: dict[str, list[Picture]] = {}
        self.seed = -1
        told = set()
        for system in systems:
            for name in self.names:
                if "." in name and (variable := system.variable_of(name)):
                    told.add(
                        f"--over {name}: the file writes it as ${variable}, so this sets the variable {variable!r}"
                    )
            for point in grid(overs):
                self._add(system, point, options, told)
        for text in sorted(told):
            note(text)

    def _add(self, system: System, point: dict[str, Any], options: SweepOptions, told: set[str]) -> None:
        checked = system.check(point)
        told.update(checked.notes)
        graph = checked.graph
        if self.seed < 0:
            self.seed = graph.seed
        if graph.seed != self.seed:
            told.add(f"system {system.name}: runs with seed {self.seed} of the first system, not {graph.seed}")
            graph = msgspec.structs.replace(graph, seed=self.seed)
        measured = measured_graph(graph, system.name)
        if system.name not in self.pictures:
            self.pictures[system.name] = pictures_of(graph, options.images, options.max_items)
        texts = {name: value_text(value) for name, value in point.items()}
        self.graphs[measured.hash] = msgspec.to_builtins(graph)
        self.points.append(_Point(system.name, texts, measured, self.pictures[system.name], options.draws))


class _Sweep:
    """One run of a plan."""

    def __init__(self, plan: _Plan, options: SweepOptions, note: Note, progress: OnProgress) -> None:
        self.plan, self.options, self.note, self.progress = plan, options, note, progress
        self.result = SweepResult(points=len(plan.points), out=str(options.out))
        self.queue: deque[_Unit] = deque()
        self.given: dict[int, list[_Unit]] = {}
        self.numbers = 0
        self.wanted = 0
        self.item_s: dict[str, float] = {}
        self.ship = False
        self.shipped: set[int] = set()  # tasks that took their pictures along
        self.messages: dict[str, int] = {}

    def run(self) -> SweepResult:
        self._load()
        store = open_store(self.options.out, self.options.format, self.plan.names)
        try:
            for point in self.plan.points:
                self._extend(point)
            if self.queue:
                self._measure(store)
        except KeyboardInterrupt:
            self.result.status = "interrupted"
        finally:
            store.close()
            self._write()
        if self.result.failures and self.result.status == "ok":
            self.result.status = "failed"
        return self.result

    # Before

    def _load(self) -> None:
        """Take over what an earlier run left."""
        out, other = self.options.out, {"csv": "items.parquet", "parquet": "items.csv"}[self.options.format]
        if (out / other).exists():
            raise UsageError(f"{out}: holds a sweep as {other}; give the other --format, another --out, or --fresh")
        if not (out / f"items.{self.options.format}").exists():
            return
        open_store(out, self.options.format, self.plan.names).close()  # refuses other columns, cuts a torn line off
        points_by_key = {point.key: point for point in self.plan.points}
        for row in iter_items(out):
            grid_texts = tuple(row[name] for name in self.plan.names)
            point = points_by_key.get((row["system"], row["graph_hash"], grid_texts))
            if point is None or row["seq"] >= len(point.pictures):
                continue
            if row["digest"] != point.pictures[row["seq"]].digest:
                raise UsageError(
                    f"{out}: holds a sweep over other pictures: number {row['seq']} was {row['label']!r}; "
                    "give another --out, or --fresh"
                )
            point.add(row)
        self.result.skipped = sum(
            len(numbers) for point in self.plan.points for draw, numbers in point.done.items() if draw < point.draws
        )

    def _extend(self, point: _Point) -> None:
        """Put what a point wants into the queue; a whole round of draws at a time, until its target is met."""
        begin = 0
        while True:
            for draw in range(begin, point.draws):
                for first, stop in _gaps(point.done.get(draw, set()), len(point.pictures)):
                    self.queue.append(_Unit(point, draw, first, stop))
                    point.waiting += stop - first
                    self.wanted += stop - first
            if point.waiting or point.failed:
                return
            begin, point.draws = point.draws, self._draws_wanted(point)
            if begin == point.draws:
                return

    def _draws_wanted(self, point: _Point) -> int:
        """How many draws a point wants that has all it wanted: known from whole rounds alone, whoever ran them."""
        target = self.options.target_block_errors
        most = max(self.options.max_draws, self.options.draws)
        if target is None or point.draws >= most:
            return point.draws
        if not point.counts:
            self._say(f"system {point.system}: counts neither blocks nor failures: --target-block-errors adds nothing")
            return point.draws
        wrong = sum(count for draw, count in point.wrong.items() if draw < point.draws)
        if wrong >= target:
            return point.draws
        needed = math.ceil(point.draws * target / wrong) if wrong else 2 * point.draws
        return min(most, 2 * point.draws, max(point.draws + 1, needed))

    # While it runs

    def _measure(self, store: Store) -> None:
        workers = self.options.workers if self.options.workers is not None else _cores()
        with open_crew(workers, self.options.scheduler) as crew:
            began = looked = time.monotonic()
            self.result.workers = crew.workers
            try:
                while self.queue or self.given:
                    while self.queue and len(self.given) < max(2 * self.result.workers + 1, 4):
                        self._give(crew)
                    ended = crew.next_ended(PATIENCE_S)
                    if ended is not None:
                        self._take(ended, store)
                    if time.monotonic() - looked > PATIENCE_S:
                        looked = time.monotonic()
                        self.result.workers = max(self.result.workers, crew.workers)
                        self.progress(self.result.items, self.wanted)
            finally:
                self.result.duration_s = time.monotonic() - began
        self.progress(self.result.items, self.wanted)

    def _give(self, crew: Crew) -> None:
        """Hand over the next task: as many items of one point as take about `TASK_S`."""
        system = self.queue[0].point.system
        seconds = self.item_s.get(system)
        size = FIRST_ITEMS if seconds is None else max(1, min(MOST_ITEMS, round(TASK_S / max(seconds, 1e-6))))
        left = sum(unit.stop - unit.first for unit in self.queue) if len(self.queue) < 1000 else MOST_ITEMS
        size = max(1, min(size, -(-left // (2 * max(self.result.workers, 1)))))  # at the end all have something to do
        point, units, contents = self.queue[0].point, list[_Unit](), dict[str, bytes]()
        while self.queue and self.queue[0].point is point and size > 0:
            unit = self.queue.popleft()
            stop = min(unit.stop, unit.first + size)
            if self.ship:
                stop = _load_pictures(unit, stop, contents)
                size = 0 if stop < unit.stop else size
            if stop < unit.stop:
                self.queue.appendleft(_Unit(point, unit.draw, stop, unit.stop))
            units.append(_Unit(point, unit.draw, unit.first, stop))
            size -= stop - unit.first
        parts = tuple(Part(u.draw, u.first, tuple(point.pictures[u.first : u.stop])) for u in units if u.stop > u.first)
        number, self.numbers = self.numbers, self.numbers + 1
        self.given[number] = units
        if self.ship:
            self.shipped.add(number)
        crew.submit(number, Task(system, point.measured, self.plan.seed, parts, contents))

    def _take(self, ended: Ended, store: Store) -> None:
        """Keep what a task brought."""
        units = self.given.pop(ended.number)
        point, asked = units[0].point, sum(unit.stop - unit.first for unit in units)
        done = ended.done
        if done is not None and done.absent:
            if not self.ship:
                self.note("the workers do not see the pictures: they are sent along with the tasks")
                self.ship = True
            if ended.number not in self.shipped:
                self.queue.extendleft(reversed(units))
                return
            self._fail(point, units[0].draw, units[0].first, done.absent, asked)
        rows: list[dict[str, Any]] = []
        if done is None:
            self._fail(point, units[0].draw, units[0].first, ended.lost, asked)
        else:
            self.result.busy_s += done.busy_s
            rows = done.rows
            for draw, seq, message in done.errors:
                self._fail(point, draw, seq, message, 1)
        here = {"system": point.system, "graph_hash": point.measured.hash, **point.grid}
        renamed = {"measured_" + name: name for name in (*self.plan.names, "esn0_db")}
        store.append([{**row, **{new: row.get(old) for new, old in renamed.items()}, **here} for row in rows])
        for row in rows:
            point.add(row)
        if done is not None and rows:
            seconds = done.busy_s / len(rows)
            before = self.item_s.get(point.system)
            self.item_s[point.system] = seconds if before is None else min(before, (before + seconds) / 2)
        if done is not None and len(rows) < asked and not done.errors and not done.absent:
            self._fail(point, units[0].draw, units[0].first, "an item did not arrive at the sink", asked - len(rows))
        self.result.items += len(rows)
        point.waiting -= asked
        if not point.waiting:
            self._extend(point)

    def _fail(self, point: _Point, draw: int, seq: int, message: str, items: int) -> None:
        point.failed = True
        self.result.failures.append(
            {"system": point.system, **point.grid, "draw": draw, "seq": seq, "items": items, "error": message}
        )
        self._say(f"failed: system {point.system}, {point_text(point.grid)}, draw {draw}, picture {seq}: {message}")

    def _say(self, text: str) -> None:
        if text not in self.messages and len(self.messages) < MESSAGES_SHOWN:
            self.note(text)
            if len(self.messages) == MESSAGES_SHOWN - 1:
                self.note(f"further messages of this kind are in {self.options.out / 'sweep.json'} alone")
        self.messages[text] = self.messages.get(text, 0) + 1

    # After

    def _write(self) -> None:
        """Make the tables of points and differences, and the record."""
        out, names = self.options.out, self.plan.names
        keys = [point.key for point in self.plan.points]
        write_table(out / "points.csv", point_columns(names), points(iter_items(out), names, keys))
        if len(self.plan.systems) > 1:
            compared = differences(iter_items(out), names, keys, self.plan.systems[0].name)
            write_table(out / "differences.csv", difference_columns(names), compared)
        write_json(out / "sweep.json", self._record())

    def _record(self) -> dict[str, Any]:
        plan, options = self.plan, self.options
        return {
            "format": 1,
            **self.result.as_json(),
            "command": list(options.command),
            "seed": plan.seed,
            "draws": options.draws,
            "target_block_errors": options.target_block_errors,
            "max_draws": options.max_draws,
            "over": {over.name: list(over.values) for over in plan.overs},
            "systems": {
                system.name: {
                    "flowgraph": system.file,
                    "vars": dict(system.overrides.vars),
                    "sets": dict(system.overrides.sets),
                    "swaps": dict(system.overrides.swaps),
                    "pictures": len(plan.pictures[system.name]),
                    "item_s": self.item_s.get(system.name),
                }
                for system in plan.systems
            },
            "pictures": [list(picture) for picture in next(iter(plan.pictures.values()))],
            "measured": [
                {"system": p.system, "graph_hash": p.measured.hash, "at": p.grid, "draws": p.draws} for p in plan.points
            ],
            "failures": self.result.failures,
            "versions": software_versions(),
            "host": {"name": socket.gethostname(), "platform": platform.platform()},
            "graphs": plan.graphs,
        }


def _gaps(done: set[int], count: int) -> list[tuple[int, int]]:
    """The runs of numbers below ``count`` that are not done, as first and stop."""
    runs: list[tuple[int, int]] = []
    first = 0
    for number in [*sorted(number for number in done if number < count), count]:
        if first < number:
            runs.append((first, number))
        first = number + 1
    return runs


def _load_pictures(unit: _Unit, stop: int, contents: dict[str, bytes]) -> int:
    """Read pictures that go along with a task, at least one, until they are many bytes; return where to stop."""
    for number in range(unit.first, stop):
        picture = unit.point.pictures[number]
        if picture.digest not in contents:
            if sum(map(len, contents.values())) > MOST_BYTES:
                return number
            contents[picture.digest] = Path(picture.path).read_bytes()
    return stop


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
