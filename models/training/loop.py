"""The loop of a training: steps until the budget is spent; logs, validations and checkpoints by the recipe's clocks."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from .bar import bar_of
from .batch import Losses
from .keep import validate_and_keep
from .log import append_row, forget_after
from .pictures import Pictures
from .run import Run
from .shards import write_state
from .step import take_step

__all__ = ["run_through"]

LOG_STEPS = 50


def run_through(
    run: Run[Any, Any], pictures: Pictures, held: Pictures, out: Path, *, deadline: float = math.inf
) -> None:
    """Train until the budget is spent; the process that leads also validates and writes, each phase's end included.

    Args:
        run: The training, started or restored.
        pictures: To train on.
        held: To validate on.
        out: The folder of results.
        deadline: Of `time.monotonic`: the step that is on then is the last one, its checkpoint is written.
    """
    config, leads = run.config, run.team.leads
    saved = validated = run.seconds
    written = run.step
    losses: list[Losses] = []
    if leads:
        _begin(run, held, out)
    with bar_of(run) as show:
        while (progress := run.team.agreed(_progress(run, deadline), run.device)) < 1:
            phase, _ = config.phase_at(progress)
            with run.timed():
                losses.append(take_step(run, pictures, progress))
            if not leads:
                losses.clear()
                continue
            if run.step % LOG_STEPS == 0:
                with run.timed():
                    row = run.row(losses, phase)  # waits for a GPU
                append_row(out / "log.csv", {"step": run.step, "minutes": round(run.seconds / 60, 3), **row})
                show(f"step {run.step} loss {row['loss']}")
                losses.clear()
            ending = run.progress() >= 1 or config.phase_at(run.progress())[0].name != phase.name
            if ending or run.seconds - validated > 60 * config.validate_minutes:
                with run.timed():
                    validate_and_keep(run, phase, held, out)
                validated = run.seconds
            if ending or run.seconds - saved > 60 * config.checkpoint_minutes:
                write_state(out / "last.pt", run.state())
                saved, written = run.seconds, run.step
    if leads and run.step != written:
        write_state(out / "last.pt", run.state())


def _progress(run: Run[Any, Any], deadline: float) -> float:
    return run.progress() if time.monotonic() < deadline else math.inf


def _begin(run: Run[Any, Any], held: Pictures, out: Path) -> None:
    for log in (out / "log.csv", *out.glob("curve*.csv")):
        forget_after(run.step or -1, log)  # the first validation comes again
    if run.step == 0 and run.validates_start:
        validate_and_keep(run, run.config.phases[0], held, out)
