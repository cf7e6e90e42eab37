"""How long each block takes for a picture, inline in one process: Fig. 5 of the SC-SIC paper, of any flowgraph."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ....blocks._measuring.files import make_folder
from ....blocks.envelope import Header, Identity, Trace
from ....blocks.ports import Image, Symbols
from ..collect import Collect
from ..measured_graph import measured_graph, pictures_of
from ..results import write_table
from ..systems import Compared
from ..task import run_files
from .bars import draw_bars
from .figures import need_matplotlib

__all__ = ["ALL", "BlockTime", "lines", "measure_latency", "write_latency"]

ALL = "all blocks"


class BlockTime(NamedTuple):
    """Seconds that a block takes for a picture.

    Attributes:
        system: Whose.
        height: Of the received picture in pixels.
        width: Of the received picture in pixels.
        block: Its name; `ALL` for the sum over the chain, whose median is its own.
        use: Which block it is.
        median_s: Over the runs.
        fastest_s: Over the runs.
        slowest_s: Over the runs.
        runs: How many, the warm-up left out.
    """

    system: str
    height: int
    width: int
    block: str
    use: str
    median_s: float
    fastest_s: float
    slowest_s: float
    runs: int


class _Arrival(Collect):
    """A sink that measures nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.shape = (0, 0)

    def work(
        self,
        received: Image,
        header: Header,
        trace: Trace,
        identity: Identity,
        sent: Image | None = None,
        channel_input: Symbols | None = None,
        channel_output: Symbols | None = None,
    ) -> None:
        """Note the size of the picture."""
        self.shape = received.shape[0], received.shape[1]

    def start(self) -> None:
        """Load nothing."""


def measure_latency(
    systems: Sequence[Compared],
    *,
    images: str | None = None,
    runs: int = 5,
    progress: Callable[[int, int], None] = lambda done, wanted: None,
) -> list[BlockTime]:
    """Send the first picture through each flowgraph, once to warm up and then ``runs`` times; the systems take turns.

    Source and sink are left out: what stays is what lies between a picture in memory and a picture in memory. A block
    on a GPU has copied its result back when its time ends.

    Args:
        systems: What is measured, each at the values of its file.
        images: The picture, in place of the flowgraph's first.
        runs: Of each, at least 1.
        progress: Told how many runs are done, and how many there are.

    Raises:
        UsageError: a system does not resolve, or has not one source of pictures.
        InputError: there is no picture.
        BlockError: a block raised.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, 2025, Fig. 5.
    """
    plans = []
    for system in systems:
        graph = system.check({}).graph
        plans.append((system.name, measured_graph(graph, system.name), pictures_of(graph, images, 1)[0].path))
    found: list[list[dict[str, float]]] = [[] for _ in plans]
    sizes = [(0, 0)] * len(plans)
    for turn in range(runs + 1):
        for number, (_, measured, file) in enumerate(plans):
            sink = _Arrival(measured.sink)
            busy = run_files(measured, measured.graph.seed, [file], 0, sink).blocks
            sizes[number] = sink.shape
            ends = (measured.source, measured.sink)
            chain = [node.name for node in measured.graph.blocks if node.name not in ends]
            if turn:
                found[number].append({name: busy[name].busy_s for name in chain})
            progress(turn * len(plans) + number + 1, (runs + 1) * len(plans))
    rows = []
    for (name, measured, _), size, times in zip(plans, sizes, found, strict=True):
        for block in times[0]:
            use = measured.graph.block(block).use
            rows.append(_row(name, size, block, use, [time[block] for time in times]))
        rows.append(_row(name, size, ALL, "", [sum(time.values()) for time in times]))
    return rows


def write_latency(rows: Sequence[BlockTime], out: Path) -> list[Path]:
    """Write ``latency.csv``, and a bar for each system, made of the medians of its blocks.

    Raises:
        MissingExtra: matplotlib is not installed.
        RunError: a file cannot be written.
    """
    need_matplotlib("semcom measure latency")
    table = make_folder(str(out)) / "latency.csv"
    write_table(table, BlockTime._fields, (row._asdict() for row in rows))
    bars: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.block != ALL:
            bars.setdefault(f"{row.system}\n{row.height} x {row.width}", {})[row.block] = row.median_s
    return [table, *draw_bars(out / "latency", bars, "seconds a picture", form=".3g")]


def lines(rows: Sequence[BlockTime]) -> Iterator[str]:
    """What a terminal shows."""
    width = max(len(row.system) for row in rows)
    wide = max(len(row.block) for row in rows)
    yield f"{'system':<{width}}  {'picture':>11}  {'block':<{wide}}  {'median':>10}  {'fastest':>10}  {'slowest':>10}"
    for row in rows:
        shown = "  ".join(f"{time:>8.4f} s" for time in (row.median_s, row.fastest_s, row.slowest_s))
        size = f"{row.height} x {row.width}"
        yield f"{row.system:<{width}}  {size:>11}  {row.block:<{wide}}  {shown}"


def _row(system: str, size: tuple[int, int], block: str, use: str, times: Sequence[float]) -> BlockTime:
    return BlockTime(system, *size, block, use, statistics.median(times), min(times), max(times), len(times))
