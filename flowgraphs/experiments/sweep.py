"""A sweep: systems at every point of a grid, on the same pictures and the same noise, resumed where it was left."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import SemcomError, UsageError
from .crew import Crew, Ended, open_crew
from .outcome import SweepResult, sweep_record
from .over import Over, point_text
from .plan import Plan, Point, SweepOptions, Unit, gaps
from .points import difference_columns, differences, point_columns, points
from .results import Store, iter_items, lock_folder, open_store, remove_results, write_json, write_table
from .systems import Compared
from .task import Part, Task

__all__ = ["SweepOptions", "SweepResult", "run_sweep"]

TASK_S = 2.0  # what a task aims at: long beside the handing over, short beside the sweep
FIRST_ITEMS = 2  # of the first tasks of a system, before its speed is known
MOST_ITEMS = 512
MOST_BYTES = 4 << 20  # of pictures sent along with a task
MESSAGES_SHOWN = 10
PATIENCE_S = 0.5


Note = Callable[[str], None]
OnProgress = Callable[[int, int], None]
"""Called with the items that are done and those known to be wanted."""


def run_sweep(
    systems: Sequence[Compared],
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
    plan = Plan(systems, overs, options, note)
    lock = lock_folder(options.out)
    try:
        if options.fresh:
            remove_results(options.out)
        return _Sweep(plan, options, note, progress).run()
    finally:
        os.close(lock)


class _Sweep:
    """One run of a plan."""

    def __init__(self, plan: Plan, options: SweepOptions, note: Note, progress: OnProgress) -> None:
        self.plan, self.options, self.note, self.progress = plan, options, note, progress
        self.result = SweepResult(points=len(plan.points), out=str(options.out))
        self.queue: deque[Unit] = deque()
        self.given: dict[int, list[Unit]] = {}
        self.numbers = 0
        self.wanted = 0
        self.item_s: dict[str, float] = {}
        self.ship = False
        self.shipped: set[int] = set()  # tasks that took their pictures along
        self.messages: dict[str, int] = {}

    def run(self) -> SweepResult:
        self._load()
        store = open_store(self.options.out, self.options.format, self.plan.names, self.options.witness.columns)
        try:
            for point in self.plan.points:
                self._extend(point)
            if self.queue:
                self._measure(store)
            if self.result.failures:
                self.result.status = "failed"
        except KeyboardInterrupt:
            self.result.status = "interrupted"
        except SemcomError:
            self.result.status = "failed"
            raise
        finally:
            store.close()
            self._write()
        return self.result

    # Before

    def _load(self) -> None:
        """Take over what an earlier run left."""
        out, other = self.options.out, {"csv": "items.parquet", "parquet": "items.csv"}[self.options.format]
        if (out / other).exists():
            raise UsageError(f"{out}: holds a sweep as {other}; give the other --format, another --out, or --fresh")
        if not (out / f"items.{self.options.format}").exists():
            return
        # refuses other columns, cuts a torn line off
        open_store(out, self.options.format, self.plan.names, self.options.witness.columns).close()
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

    def _extend(self, point: Point) -> None:
        """Put what a point wants into the queue; a whole round of draws at a time, until its target is met."""
        begin = 0
        while not point.failed:
            for draw in range(begin, point.draws):
                for first, stop in gaps(point.done.get(draw, set()), len(point.pictures)):
                    self.queue.append(Unit(point, draw, first, stop))
                    point.waiting += stop - first
                    self.wanted += stop - first
            if point.waiting:
                return
            begin, point.draws = point.draws, point.draws_wanted(self.options)
            if begin == point.draws:
                if self.options.target_block_errors is not None and not point.counts:
                    self._say(f"system {point.system} counts no blocks and no failures: the target adds no draws")
                return

    # While it runs

    def _measure(self, store: Store) -> None:
        workers = self.options.workers if self.options.workers is not None else _cores()
        with open_crew(workers, self.options.scheduler) as crew:
            if self.options.scheduler is not None and not crew.workers:
                self.note(f"{self.options.scheduler} has no workers yet: waiting for the first")
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
        point, units, contents = self.queue[0].point, list[Unit](), dict[str, bytes]()
        while self.queue and self.queue[0].point is point and size > 0:
            unit = self.queue.popleft()
            stop = min(unit.stop, unit.first + size)
            if self.ship:
                stop = _load_pictures(unit, stop, contents)
                size = 0 if stop < unit.stop else size
            if stop < unit.stop:
                self.queue.appendleft(Unit(point, unit.draw, stop, unit.stop))
            units.append(Unit(point, unit.draw, unit.first, stop))
            size -= stop - unit.first
        parts = tuple(Part(u.draw, u.first, tuple(point.pictures[u.first : u.stop])) for u in units if u.stop > u.first)
        number, self.numbers = self.numbers, self.numbers + 1
        self.given[number] = units
        if self.ship:
            self.shipped.add(number)
        crew.submit(number, Task(system, point.measured, self.plan.seed, parts, contents, self.options.witness))

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

    def _fail(self, point: Point, draw: int, seq: int, message: str, items: int) -> None:
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
        out, names, witness = self.options.out, self.plan.names, self.options.witness
        keys = [point.key for point in self.plan.points]
        reduced = points(iter_items(out), names, keys, witness)
        write_table(out / "points.csv", point_columns(names, witness), reduced)
        if len(self.plan.systems) > 1:
            compared = differences(iter_items(out), names, keys, self.plan.systems[0].name)
            write_table(out / "differences.csv", difference_columns(names), compared)
        write_json(out / "sweep.json", sweep_record(self.plan, self.options, self.result, self.item_s))


def _load_pictures(unit: Unit, stop: int, contents: dict[str, bytes]) -> int:
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
