"""From items to points: means, intervals, percentiles and failure rates of each system at each point of the grid."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sim.metrics.esn0 import mean_esn0_db
from .collect import MEASURED
from .results import column_of
from .statistics import Interval, bootstrap_mean, mean_interval, wilson
from .witness import Witness

__all__ = ["COMPARED", "difference_columns", "differences", "point_columns", "points"]

QUALITY = ("psnr_db", "ssim", "ms_ssim")
"""Measurements of a picture: with an interval over the pictures."""

SPREAD = ("median", "p05", "p50", "p95")
RATES = ("failure_rate", "block_error_rate")
COUNTS = ("failed", "blocks", "block_errors")
MEANS = tuple(name for name in MEASURED if name not in (*QUALITY, *COUNTS))
COMPARED = ("psnr_db", "ms_ssim")

Key = tuple[str, str, tuple[str, ...]]
"""System, hash of the graph, values of the grid."""


_NOTHING = Witness()


def point_columns(over: Sequence[str], witness: Witness = _NOTHING) -> tuple[str, ...]:
    """The columns of the table of points."""
    quality = [f"{name}{end}" for name in (*QUALITY, *witness.quality) for end in ("", "_low", "_high")]
    spread = [f"psnr_db_{name}" for name in SPREAD]
    rates = [f"{name}{end}" for name in RATES for end in ("", "_low", "_high")]
    means = [column_of(name, over) for name in (*MEANS, *witness.means)]
    return ("system", "graph_hash", *over, "items", "pictures", "draws", *quality, *spread, *COUNTS, *rates, *means)


def difference_columns(over: Sequence[str]) -> tuple[str, ...]:
    """The columns of the table of paired differences."""
    return ("system", "reference", *over, "pictures", *(f"{n}{end}" for n in COMPARED for end in ("", "_low", "_high")))


def points(
    items: Iterable[Mapping[str, Any]], over: Sequence[str], current: Iterable[Key], witness: Witness = _NOTHING
) -> list[dict[str, Any]]:
    """Reduce items to a row for each point of each system.

    ``psnr_db``, ``ssim``, ``ms_ssim``: the mean over pictures of each one's mean over draws, and Student's interval
    over the pictures, or over the draws where there is one picture. ``psnr_db_median``: of all items. ``psnr_db_p05``,
    ``_p50``, ``_p95``: of each picture's draws (fades), then the mean over the pictures; empty with one draw.
    ``failure_rate`` (outage) and ``block_error_rate``: with Wilson's interval, which takes trials as independent: block
    errors of one fade are not. The rest are means over the items; that of Es/N0 is taken before the logarithm.

    Args:
        items: Rows of `results.iter_items`.
        over: Names of the grid's axes.
        current: The points of this sweep; an item of one of them under another hash comes from a flowgraph that has
            changed since, and is left out. Items of other points and systems stay in.
        witness: What was measured beside; its figures of quality get intervals too.
    """
    gathered = _gather(items, over, current, (*MEASURED, *witness.columns))
    return [_reduce(key, point, over, witness) for key, point in gathered.items()]


def differences(
    items: Iterable[Mapping[str, Any]], over: Sequence[str], current: Iterable[Key], reference: str
) -> list[dict[str, Any]]:
    """Paired differences of every system to one of them, at every point that both have.

    As `statistics.paired_difference`: bootstrapped over the pictures.

    Args:
        items: Rows of `results.iter_items`.
        over: Names of the grid's axes.
        current: As in `points`.
        reference: The system that is subtracted.
    """
    gathered = _gather(items, over, current, MEASURED)
    references = {grid: found for (system, _, grid), found in gathered.items() if system == reference}
    rows = []
    for (system, _, grid), found in gathered.items():
        if system == reference or grid not in references:
            continue
        row: dict[str, Any] = {"system": system, "reference": reference, **dict(zip(over, grid, strict=True))}
        for name in COMPARED:
            paired = _paired(found, references[grid], name)
            if paired:
                row["pictures"] = len(paired)
                row |= _named(name, bootstrap_mean(paired))
        rows.append(row)
    return rows


@dataclass
class _Gathered:
    """The columns of one point."""

    seqs: array[int] = field(default_factory=lambda: array("q"))
    draws: array[int] = field(default_factory=lambda: array("q"))
    digests: list[str] = field(default_factory=list)
    columns: dict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))

    def column(self, name: str) -> NDArray[np.float64]:
        return np.array(self.columns[name], np.float64)

    def by_picture(self, name: str) -> list[NDArray[np.float64]]:
        """The draws of each picture that has this measurement."""
        found: dict[str, list[float]] = defaultdict(list)
        for digest, value in zip(self.digests, self.columns[name], strict=True):
            if not math.isnan(value):
                found[digest].append(value)
        return [np.array(values) for values in found.values()]


def _gather(
    items: Iterable[Mapping[str, Any]], over: Sequence[str], current: Iterable[Key], measured: Sequence[str]
) -> dict[Key, _Gathered]:
    hashes = {(system, grid): graph_hash for system, graph_hash, grid in current}
    gathered: dict[Key, _Gathered] = {}
    last: dict[tuple[str, tuple[Any, ...]], str] = {}  # for systems of earlier sweeps: as last measured
    for system, grid in hashes:  # the order of the sweep, whatever came first
        gathered[system, hashes[system, grid], grid] = _Gathered()
    names = {name: column_of(name, over) for name in measured}
    for item in items:
        grid = tuple(item[name] for name in over)
        if hashes.get((item["system"], grid), item["graph_hash"]) != item["graph_hash"]:
            continue
        last[item["system"], grid] = item["graph_hash"]
        point = gathered.setdefault((item["system"], item["graph_hash"], grid), _Gathered())
        point.seqs.append(item["seq"])
        point.draws.append(item["draw"])
        point.digests.append(item["digest"])
        for name, column in names.items():
            value = item.get(column)
            point.columns[name].append(math.nan if value is None else value)
    return {key: point for key, point in gathered.items() if point.seqs and last[key[0], key[2]] == key[1]}


def _reduce(key: Key, point: _Gathered, over: Sequence[str], witness: Witness) -> dict[str, Any]:
    system, graph_hash, grid = key
    row: dict[str, Any] = {"system": system, "graph_hash": graph_hash, **dict(zip(over, grid, strict=True))}
    row |= {"items": len(point.seqs), "pictures": len(set(point.digests)), "draws": len(set(point.draws))}
    for name in (*QUALITY, *witness.quality):
        pictures = point.by_picture(name)
        if pictures:
            values = [float(draws.mean()) for draws in pictures] if len(pictures) > 1 else pictures[0]
            row |= _named(name, mean_interval(values))
    pictures = point.by_picture("psnr_db")
    if pictures:
        row["psnr_db_median"] = float(np.median(np.concatenate(pictures)))
        if min(draws.size for draws in pictures) > 1 and all(np.isfinite(draws).all() for draws in pictures):
            spread = np.mean([np.percentile(draws, (5, 50, 95)) for draws in pictures], axis=0)
            row |= dict(zip((f"psnr_db_{name}" for name in SPREAD[1:]), map(float, spread), strict=True))
    row |= dict(_rates(point))
    for name in (*MEANS, *witness.means):
        values = point.column(name)
        values = values[~np.isnan(values)]
        if values.size:
            in_db = name == "esn0_db"  # a mean of decibels would be too low over fades
            row[column_of(name, over)] = mean_esn0_db(values) if in_db else float(values.mean())
    return row


def _rates(point: _Gathered) -> Iterator[tuple[str, Any]]:
    failed = point.column("failed")
    failed = failed[~np.isnan(failed)]
    if failed.size:
        yield "failed", int(failed.sum())
        yield from _named("failure_rate", wilson(float(failed.sum()), failed.size)).items()
    blocks, errors = np.nansum(point.column("blocks")), np.nansum(point.column("block_errors"))
    if blocks > 0:
        yield "blocks", int(blocks)
        yield "block_errors", int(errors)
        yield from _named("block_error_rate", wilson(min(errors, blocks), blocks)).items()


def _paired(one: _Gathered, other: _Gathered, name: str) -> list[float]:
    """Differences, averaged over the draws to one a picture; left out where infinite ones contradict each other."""
    found = {key: value for key, value in zip(_keys(other), other.columns[name], strict=True) if not math.isnan(value)}
    pictures: dict[str, list[float]] = defaultdict(list)
    for key, value in zip(_keys(one), one.columns[name], strict=True):
        if key in found and not math.isnan(value):
            pictures[key[2]].append(value - found[key] if value != found[key] else 0.0)
    return [float(np.mean(values)) for values in pictures.values() if _agree(values)]


def _agree(differences: list[float]) -> bool:
    """Whether they have a mean: a system that is lossless in one draw alone has none against one in another."""
    return not (math.inf in differences and -math.inf in differences)


def _keys(point: _Gathered) -> Iterator[tuple[int, int, str]]:
    return zip(point.draws, point.seqs, point.digests, strict=True)


def _named(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
