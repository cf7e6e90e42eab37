"""The end of a sweep, and its record `sweep.json`: what ran, with what, how long."""

from __future__ import annotations

import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from ...errors import Interrupted
from ..runtime.run_record import software_versions
from .plan import Plan, SweepOptions

__all__ = ["SweepResult", "sweep_record"]


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


def sweep_record(plan: Plan, options: SweepOptions, result: SweepResult, item_s: Mapping[str, float]) -> dict[str, Any]:
    """What `sweep.json` says of a sweep.

    Args:
        plan: What was to be done.
        options: How.
        result: What came of it.
        item_s: Seconds that an item took, by system.
    """
    return {
        "format": 1,
        **result.as_json(),
        "command": list(options.command),
        "seed": plan.seed,
        "draws": options.draws,
        "target_block_errors": options.target_block_errors,
        "max_draws": options.max_draws,
        "witness": msgspec.to_builtins(options.witness),
        "over": {over.name: list(over.values) for over in plan.overs},
        "systems": {
            system.name: {
                "flowgraph": system.file,
                "vars": dict(system.overrides.vars),
                "sets": dict(system.overrides.sets),
                "swaps": dict(system.overrides.swaps),
                "pictures": len(plan.pictures[system.name]),
                "item_s": item_s.get(system.name),
            }
            for system in plan.systems
        },
        "pictures": [list(picture) for picture in next(iter(plan.pictures.values()))],
        "measured": [
            {"system": p.system, "graph_hash": p.measured.hash, "at": p.grid, "draws": p.draws} for p in plan.points
        ],
        "failures": result.failures,
        "versions": software_versions(),
        "host": {"name": socket.gethostname(), "platform": platform.platform()},
        "graphs": plan.graphs,
    }
