"""Pictures through flowgraphs, each measured by every distance there is; goes on where it was stopped.

What `benchmarks/cdm_jscc_kodak.py` shares with whoever compares systems by more than PSNR. A row a picture, in a CSV
that is appended to; a row counts as made if flowgraph, overrides, picture and weights are what they were.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import semcom
from semcom.blocks.envelope import Header, Identity, Trace
from semcom.blocks.ports import Image, Symbols
from semcom.flowgraphs.experiments.collect import MEASURED, Collect
from semcom.flowgraphs.experiments.measured_graph import MeasuredGraph, measured_graph
from semcom.flowgraphs.experiments.systems import Compared, parse_systems
from semcom.flowgraphs.experiments.task import run_files
from semcom.sim.metrics.haarpsi import haarpsi
from semcom.sim.metrics.high_frequency import high_frequency_error_db
from semcom.sim.metrics.mdsi import mdsi
from semcom.sim.metrics.sliced_wasserstein import sliced_wasserstein

__all__ = [
    "COLUMNS",
    "DISTANCES",
    "GRID",
    "NETWORKS",
    "Point",
    "System",
    "Wanted",
    "back_off_db",
    "flowgraph_of",
    "measure",
    "picture_path",
]

DISTANCES = ("sliced_wasserstein", "haarpsi", "mdsi", "high_frequency_error_db")
NETWORKS = {"squeezenet_distance": "squeezenet", "lpips_vgg": "lpips-vgg"}  # where the user has weights
GRID = ("channel", "target_cbr", "esn0_db")
IDENTITY = ("system", "made_with", *GRID, "draw", "seq", "label", "digest")
COLUMNS = (
    *IDENTITY,
    *("measured_esn0_db" if name == "esn0_db" else name for name in MEASURED),
    *DISTANCES,
    *NETWORKS,
)
CHUNK = 4  # pictures that a worker takes at a time, and that are lost when it is killed


class System(NamedTuple):
    """One line of the comparison.

    Attributes:
        name: What tables call it.
        flowgraph: Name of a shipped one.
        vars: ``name=value``; ``{cbr}`` stands for the point's.
        sets: ``block.parameter=value``, the same.
        weights: Files whose content decides what comes out, beside the flowgraph.
        swaps: ``block=use:parameter=value``.
    """

    name: str
    flowgraph: str
    vars: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    weights: tuple[Path, ...] = ()
    swaps: tuple[str, ...] = ()


class Point(NamedTuple):
    """Where it is measured: channel, CBR as text, mean Es/N0 in dB.

    The channel is ``awgn``, ``rayleigh block``, or ``rayleigh``: the same, but a flowgraph at capacity sets its fading
    by a variable of its own.
    """

    channel: str
    cbr: str
    esn0_db: int


class Wanted(NamedTuple):
    """A system at a point.

    Attributes:
        system: Which.
        point: Where.
        pictures: How many of the pictures, evenly spread; or all.
        by: What a sweep measures, or the other distances too.
    """

    system: System
    point: Point
    pictures: int | None = None
    by: Literal["sweep", "distances"] = "distances"


class _Job(NamedTuple):
    wanted: Wanted
    made_with: str
    numbers: tuple[int, ...]
    files: tuple[Path, ...]
    networks: dict[str, Path]
    kept: dict[int, Path]


class _Witness(Collect):
    """Measures as a sweep does, and by the other distances; keeps some pictures as PNG."""

    def __init__(self, job: _Job, name: str) -> None:
        super().__init__(name)
        self._job = job
        self._networks: dict[str, Any] = {}

    def start(self) -> None:
        """Load the metrics."""
        super().start()
        if self._job.wanted.by == "distances" and self._job.networks:
            from semcom.models.perceptual.build import build_perceptual

            for name, path in self._job.networks.items():
                self._networks[name] = build_perceptual(NETWORKS[name], path)  # type: ignore[arg-type]

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
        """Measure one picture."""
        super().work(received, header, trace, identity, sent, channel_input, channel_output)
        row = self.rows[-1]
        row["measured_esn0_db"] = row.pop("esn0_db")
        if sent is None:
            raise SystemExit(f"{self._job.wanted.system.flowgraph}: expected report.sent to be connected")
        if self._job.wanted.by == "distances":
            row["sliced_wasserstein"] = sliced_wasserstein(sent, received)
            row["haarpsi"] = haarpsi(sent, received)
            row["mdsi"] = mdsi(sent, received)
            row["high_frequency_error_db"] = high_frequency_error_db(sent, received)
            row.update({name: _distance(network, sent, received) for name, network in self._networks.items()})
        if (path := self._job.kept.get(identity.seq)) is not None:
            from PIL import Image as Pillow

            path.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(np.ascontiguousarray(received)).save(path)


def flowgraph_of(wanted: Wanted) -> MeasuredGraph:
    """Resolve the flowgraph of a system at a point."""
    point = wanted.point
    parsed = _parsed(wanted.system._replace(weights=()), point.channel, point.cbr)
    return measured_graph(parsed.check({"esn0_db": point.esn0_db}).graph, wanted.system.name)


@cache
def _parsed(system: System, channel: str, cbr: str) -> Compared:
    """Read the flowgraph of a system, with its overrides for a channel and a CBR."""
    sets = ["photos.size=null", *(text.format(cbr=cbr) for text in system.sets)]
    swaps = list(system.swaps)
    if channel != "awgn" and "capacity" not in system.flowgraph:
        swaps.append("channel=channels/rayleigh")
    elif channel == "rayleigh block":
        sets += ["channel.fading=rayleigh", "channel.coherence=block"]
    (parsed,) = parse_systems(
        [f"{system.name}={system.flowgraph}"],
        vars=[text.format(cbr=cbr) for text in system.vars],
        sets=sets,
        swaps=swaps,
    )
    return parsed


def measure(
    wanted: Iterable[Wanted],
    pictures: Sequence[Path],
    table: Path,
    *,
    jobs: int,
    networks: dict[str, Path],
    keep: Mapping[Point, Collection[str]],
    budget_s: float | None = None,
) -> list[dict[str, Any]]:
    """Measure what the table does not hold yet, in order; return all rows that were wanted and are there.

    Args:
        wanted: Systems and points.
        pictures: Files; a picture's number is its place among them, and decides its noise.
        table: CSV to read and append to.
        jobs: Processes, one thread each.
        networks: Files of weights of distances that need them, by column: `NETWORKS`.
        keep: Point → labels of pictures that are kept there as received, as PNG, in ``pictures`` beside the table.
        budget_s: Seconds after which nothing more is begun; 0 only reads.
    """
    have = {_key(row): row for row in _read(table)}
    known = _Known(table.with_suffix(".made-with.json"))
    digests = [hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in pictures]
    todo: list[_Job] = []
    asked: list[tuple[str, ...]] = []
    for want in wanted:
        made_with = known.made_with(want)
        missing = []
        kept = {}
        count = len(pictures) if want.pictures is None else min(want.pictures, len(pictures))
        for number in np.linspace(0, len(pictures) - 1, count).round().astype(int).tolist():
            path = pictures[number]
            key = (want.system.name, made_with, *map(str, want.point), digests[number])
            again = key in asked
            asked.append(key)
            if again:
                continue
            if path.stem in keep.get(want.point, ()):
                kept[number] = picture_path(table, want.system.name, made_with, path.stem)
            lacks = [] if want.by == "sweep" else ["mdsi", *networks]
            stale = key not in have or not all(have[key][name] for name in lacks)
            if stale or (number in kept and not kept[number].is_file()):
                missing.append(number)
        for first in range(0, len(missing), CHUNK):
            numbers = tuple(missing[first : first + CHUNK])
            files = tuple(pictures[number] for number in numbers)
            todo.append(_Job(want, made_with, numbers, files, networks, kept))
    known.write()
    began, done, total = time.monotonic(), 0, sum(len(job.numbers) for job in todo)
    new = not table.is_file()
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("a", newline="", encoding="utf-8") as file, _pool(jobs) as pool:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        for measured in _measured(pool, todo, jobs, math.inf if budget_s is None else began + budget_s):
            for row in measured:
                text = {name: "" if row.get(name) is None else str(row[name]) for name in COLUMNS}
                text["digest"] = digests[row["seq"]]
                have[_key(text)] = text
                writer.writerow(text)
                done += 1
            file.flush()
            print(f"{done}/{total} pictures, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return [_numbers(have[key]) for key in asked if key in have]


def back_off_db(esn0_db: int) -> int:
    """What a coded link over fading keeps in hand, in dB: found by trial, so that it seldom loses a picture."""
    return 4 + max(0, esn0_db) // 5


def picture_path(table: Path, system: str, made_with: str, label: str) -> Path:
    """Where a picture that was kept lies."""
    return table.parent / "pictures" / f"{system} {made_with[:8]}" / f"{label}.png"


def _run(job: _Job) -> list[dict[str, Any]]:
    """In a worker: send some pictures, return their rows."""
    import torch

    torch.set_num_threads(1)
    measured = flowgraph_of(job.wanted)
    witness = _Witness(job, measured.sink)
    witness.start()
    for number, path in zip(job.numbers, job.files, strict=True):
        run_files(measured, measured.graph.seed, [str(path)], number, witness)
    point = job.wanted.point
    where = {"channel": point.channel, "target_cbr": point.cbr, "esn0_db": point.esn0_db}
    same = {"system": job.wanted.system.name, "made_with": job.made_with, **where, "draw": 0}
    return [{**same, **row} for row in witness.rows]


def _measured(
    pool: ProcessPoolExecutor, todo: Iterable[_Job], jobs: int, until_s: float
) -> Iterator[list[dict[str, Any]]]:
    """Rows of one job after the other as they end; none is begun after a time of the monotonic clock."""
    running: set[Future[list[dict[str, Any]]]] = set()
    for job in todo:
        if time.monotonic() >= until_s:
            break
        running.add(pool.submit(_run, job))
        if len(running) >= jobs:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
    while running:
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in ended)


def _distance(network: Any, sent: Image, received: Image) -> float:
    """A distance by a network, of pictures in [0, 1]."""
    import torch

    pair = [torch.from_numpy(z.copy()).permute(2, 0, 1)[None].float() / 255 for z in (received, sent)]
    with torch.inference_mode():
        return float(network(*pair))


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


class _Known:
    """What systems are made with; kept in a file as long as no file of the package changes, since it takes a while."""

    def __init__(self, path: Path) -> None:
        self._path = path
        root = Path(semcom.__file__).parent
        files = [one for part in ("blocks", "flowgraphs", "models") for one in (root / part).rglob("*.*")]
        stamps = sorted((str(one), one.stat().st_mtime_ns, one.stat().st_size) for one in files if one.suffix != ".pyc")
        self._package = hashlib.sha256(repr(stamps).encode()).hexdigest()
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self._found: dict[str, str] = kept.get("found", {}) if kept.get("package") == self._package else {}

    def made_with(self, wanted: Wanted) -> str:
        """First 16 hex digits of the SHA-256 of what decides the rows of a system at a point, the pictures aside."""
        stamps = [(path.stat().st_mtime_ns, path.stat().st_size) for path in wanted.system.weights]
        key = repr((wanted.system, wanted.point, stamps))
        if key not in self._found:
            digest = hashlib.sha256(flowgraph_of(wanted).hash.encode())
            for path in wanted.system.weights:
                digest.update(path.read_bytes())
            self._found[key] = digest.hexdigest()[:16]
        return self._found[key]

    def write(self) -> None:
        """Keep it for the next run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({"package": self._package, "found": self._found}), encoding="utf-8")


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return (row["system"], row["made_with"], *(row[name] for name in GRID), row["digest"])


def _read(table: Path) -> list[dict[str, str]]:
    """Rows; a last one that a kill tore is cut off."""
    if not table.is_file():
        return []
    content = table.read_bytes()
    if not content.endswith(b"\n"):
        table.write_bytes(content[: content.rfind(b"\n") + 1])
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            sys.exit(f"{table}: has other columns than this benchmark writes; remove it")
        return list(reader)


def _numbers(row: dict[str, str]) -> dict[str, Any]:
    texts = (*IDENTITY, "digest")
    return {name: value if name in texts else (float(value) if value != "" else None) for name, value in row.items()}
