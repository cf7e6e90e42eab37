"""What a run leaves behind: its result, and the record `run.json`."""

from __future__ import annotations

import json
import math
import platform
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import msgspec

from .counts import BlockReport, EdgeCount
from .graph import Graph

__all__ = ["RunResult", "software_versions", "write_record"]

NAMED_VERSIONS = ("gr-semcom", "numpy", "scipy", "torch", "pyzmq", "pillow", "scikit-image")


@dataclass
class RunResult:
    """The end of a run.

    Attributes:
        status: ``stopped`` is an end that the user asked for; nothing in flight was lost.
        edges: By the edge's name, ``photos.out -> encoder.image``.
        blocks: By name.
        duration_s: From the first item on.
        error: The message, when the run failed.
        exit_code: What the command ends with.
        record: The file `run.json`.
        senders: Of a place: every start of another place that it listened to, with the number of its first item.
    """

    status: Literal["ok", "stopped", "failed", "interrupted"]
    edges: dict[str, EdgeCount]
    blocks: dict[str, BlockReport]
    duration_s: float = 0.0
    error: str = ""
    exit_code: int = 0
    record: str = ""
    senders: list[dict[str, Any]] = field(default_factory=list)

    @property
    def metrics(self) -> dict[str, float]:
        """Means over the items of what the sinks measured; where two sinks measured the same, the first one's.

        ``esn0_db`` is the mean of the ratio, then in dB.
        """
        first: dict[str, tuple[int, float]] = {}
        for block in self.blocks.values():
            for name, measured in block.measured.items():
                first.setdefault(name, measured)
        return _means(first)

    @property
    def metrics_by_sink(self) -> dict[str, dict[str, float]]:
        """The same means, apart for each block that compares pictures."""
        return {name: _means(block.measured) for name, block in self.blocks.items() if "psnr_db" in block.measured}

    @property
    def files(self) -> list[str]:
        """Every file that the sinks wrote, reports first."""
        files = dict.fromkeys(file for block in self.blocks.values() for file in block.files)
        return sorted(files, key=lambda file: (not file.endswith(".html"), file))

    @property
    def unwritten(self) -> dict[str, int]:
        """Items that reached a sink and are in none of its tables, by the sink's name."""
        gaps = {name: block.items - sum(block.tables.values()) for name, block in self.blocks.items() if block.tables}
        return {name: gap for name, gap in gaps.items() if gap > 0}

    @property
    def lossy(self) -> bool:
        """Items were dropped or missing, are not in the tables of the sinks that they reached, or a block lost some."""
        lost = any(name.startswith("lost_") for block in self.blocks.values() for name in block.counted)
        return any(edge.dropped or edge.missing for edge in self.edges.values()) or bool(self.unwritten) or lost

    def as_json(self) -> dict[str, Any]:
        """What `semcom run --json` prints; a mean that is not finite (PSNR of equal pictures) is null."""
        return {
            "status": self.status,
            "error": self.error or None,
            "edges": {
                name: {
                    "in": edge.into,
                    "out": edge.out,
                    "dropped": edge.dropped,
                    "missing": edge.missing,
                    **edge.diagnostics,
                }
                for name, edge in self.edges.items()
            },
            "metrics": _finite(self.metrics),
            "metrics_by_sink": {sink: _finite(means) for sink, means in self.metrics_by_sink.items()},
            "files": self.files,
            "lossy": self.lossy,
            "unwritten": self.unwritten,
            "frames": {
                name: {"doubled": block.doubled, "late": block.late}
                for name, block in self.blocks.items()
                if block.doubled or block.late
            },
            "counted": {name: block.counted for name, block in self.blocks.items() if block.counted},
            "withheld": {name: block.withheld for name, block in self.blocks.items() if block.withheld},
            "duration_s": round(self.duration_s, 3),
            "record": self.record,
            **({"senders": self.senders} if self.senders else {}),
        }


def _means(measured: Mapping[str, tuple[int, float]]) -> dict[str, float]:
    means = {name: total / count for name, (count, total) in measured.items()}
    if (esn0 := means.pop("esn0", 0.0)) > 0:
        means["esn0_db"] = 10 * math.log10(esn0)
    return means


def _finite(means: Mapping[str, float]) -> dict[str, float | None]:
    return {name: mean if math.isfinite(mean) else None for name, mean in means.items()}


def software_versions() -> dict[str, str]:
    """Names and versions of the software that decides a run's numbers; read from metadata, nothing is imported."""
    versions = {"python": platform.python_version()}
    for name in NAMED_VERSIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def write_record(path: Path, graph: Graph, result: RunResult, executor: str) -> None:
    """Write `run.json`: what ran, where, with what, and what came out. Atomic: a half-written record never shows."""
    record = {
        "format": 1,
        **result.as_json(),
        "blocks": {name: _plain(report) for name, report in result.blocks.items()},
        "graph": msgspec.to_builtins(graph),
        "graph_hash": graph.hash(),
        "seed": graph.seed,
        "executor": executor,
        "versions": software_versions(),
        "host": {"name": socket.gethostname(), "platform": platform.platform(), "python": sys.version},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def _plain(report: BlockReport) -> dict[str, Any]:
    measured = {
        name: (count, total if math.isfinite(total) else None) for name, (count, total) in report.measured.items()
    }
    return {**asdict(report), "measured": measured}
