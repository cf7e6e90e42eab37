"""What a sweep is to do: every system resolved at every point, its pictures, and how many draws a point wants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ..runtime.graph import Graph
from .measured_graph import MeasuredGraph, Picture, measured_graph, pictures_of
from .over import Over, grid, value_text
from .results import Format
from .systems import Compared
from .witness import Witness

__all__ = ["Plan", "Point", "SweepOptions", "Unit", "gaps"]


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
        witness: What is measured beside quality and bandwidth.
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
    witness: Witness = field(default_factory=Witness)


@dataclass
class Point:
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
        """What tells it from every other point."""
        return self.system, self.measured.hash, tuple(self.grid.values())

    def add(self, row: dict[str, Any]) -> None:
        """Note that an item is there.

        Args:
            row: Its draw, seq and counts.
        """
        self.done.setdefault(row["draw"], set()).add(row["seq"])
        counted = row.get("block_errors")
        counted = row.get("failed") if counted is None else counted
        if counted is not None:
            self.counts = True
            self.wrong[row["draw"]] = self.wrong.get(row["draw"], 0) + counted

    def draws_wanted(self, options: SweepOptions) -> int:
        """How many draws it wants, now that it has `draws`: known from whole rounds alone, whoever ran them."""
        most = max(options.max_draws, options.draws)
        if options.target_block_errors is None or self.draws >= most or not self.counts:
            return self.draws
        wrong = sum(count for draw, count in self.wrong.items() if draw < self.draws)
        if wrong >= options.target_block_errors:
            return self.draws
        needed = math.ceil(self.draws * options.target_block_errors / wrong) if wrong else 2 * self.draws
        return min(most, 2 * self.draws, max(self.draws + 1, needed))


@dataclass(frozen=True)
class Unit:
    """Pictures of one draw of one point that are to be measured: ``first`` to ``stop - 1``."""

    point: Point
    draw: int
    first: int
    stop: int


class Plan:
    """Every system resolved at every point, before anything runs.

    Args:
        systems: What to compare.
        overs: The axes of the grid.
        options: How.
        note: Told what the user should know.

    Attributes:
        names: Of the axes.
        points: Of all systems, system by system.
        graphs: Resolved graphs by hash, as plain values.
        pictures: Of each system, at its first point.
        seed: Of all of them: the first system's.

    Raises:
        UsageError: a system does not resolve at a point.
        InputError: there are no pictures.
    """

    def __init__(
        self, systems: Sequence[Compared], overs: Sequence[Over], options: SweepOptions, note: Callable[[str], None]
    ) -> None:
        self.systems, self.overs = systems, overs
        self.names = tuple(over.name for over in overs)
        self.points: list[Point] = []
        self.graphs: dict[str, Any] = {}
        self.pictures: dict[str, list[Picture]] = {}
        self.seed = -1
        self._found: dict[str, list[Picture]] = {}  # pictures by what the source says of them
        told = set()
        for system in systems:
            for name in self.names:
                if "." in name and (variable := system.variable_of(name)):
                    told.add(
                        f"--over {name}: the file writes it as ${variable}, so this sets the variable {variable!r}"
                    )
            for point in grid(overs):
                self._add(system, point, options, told)
        sizes = {point.system: self._size(point) for point in self.points}
        if len(set(sizes.values())) > 1:
            shown = "; ".join(f"{system} {size}" for system, size in sizes.items())
            told.add(
                f"systems send the pictures in sizes of their own ({shown}): --set photos.size=null makes them one"
            )
        for text in sorted(told):
            note(text)

    @staticmethod
    def _size(point: Point) -> str:
        params = point.measured.graph.block(point.measured.source).params
        return f"{value_text(params.get('size'))} {params.get('fit')}"

    def _add(self, system: Compared, point: dict[str, Any], options: SweepOptions, told: set[str]) -> None:
        checked = system.check(point, {over.name: over.also for over in self.overs})
        told.update(checked.notes)
        graph: Graph = checked.graph
        if self.seed < 0:
            self.seed = graph.seed
        if graph.seed != self.seed:
            told.add(f"system {system.name}: runs with seed {self.seed} of the first system, not {graph.seed}")
            graph = msgspec.structs.replace(graph, seed=self.seed)
        measured: MeasuredGraph = measured_graph(graph, system.name)
        measured = msgspec.structs.replace(measured, hash=options.witness.mark(measured.hash))
        params = graph.block(measured.source).params  # they may differ from point to point: --over photos.path=a,b
        source = repr([params.get(name) for name in ("path", "repeat", "on_error")])
        if source not in self._found:
            self._found[source] = pictures_of(graph, options.images, options.max_items)
        pictures = self._found[source]
        self.pictures.setdefault(system.name, pictures)
        texts = {name: value_text(value) for name, value in point.items()}
        self.graphs[measured.hash] = msgspec.to_builtins(graph)
        self.points.append(Point(system.name, texts, measured, pictures, options.draws))


def gaps(done: set[int], count: int) -> list[tuple[int, int]]:
    """The runs of numbers below ``count`` that are not done, as first and stop.

    Args:
        done: Numbers.
        count: Of all.

    Example:
        >>> gaps({1, 2, 5}, 8)
        [(0, 1), (3, 5), (6, 8)]
    """
    runs: list[tuple[int, int]] = []
    first = 0
    for number in [*sorted(number for number in done if number < count), count]:
        if first < number:
            runs.append((first, number))
        first = number + 1
    return runs
