"""Training: one recipe, one folder of pictures, one folder of results; killed at any time, it goes on.

The folder of results receives ``last.pt`` (the checkpoint), ``best.safetensors`` and ``best.json`` (the mean weights
with the best validation of the last phase so far, and their card), ``log.csv`` (one row every 50 steps) and a
``curve-PHASE.csv`` for each phase (one row per validation; ``curve.csv`` where phases have no names, which are taken as
one). A checkpoint of more than 15 MiB is in files beside ``last.pt`` whose names begin with its own. Checkpoint,
weights and card are replaced whole or not at all. Weights of a recipe that starts from shipped ones hold what it
trains; their card names the others.

Several processes started by ``torchrun`` share each batch; the first of them validates and writes.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from ...errors import UsageError
from ..compiled import Compile
from ..perceptual.build import build_perceptual
from .checkpoint import checkpoint_of
from .loop import run_through
from .recipe import Recipe
from .run import Run

__all__ = ["Result", "made", "train"]


class Result(NamedTuple):
    """What a training run ends with."""

    steps: int
    seconds: float
    best_score: float
    weights: Path


def train(
    training: type[Run[Any, Any]],
    config: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = True,
    device: str | None = None,
    perceptual_weights: Path | None = None,
    compile: Compile = "off",
    seconds: float = math.inf,
) -> Result:
    """Train a network, or go on with a training that was cut off.

    Args:
        training: Of the system.
        config: A recipe of that system.
        data: Photographs: a folder, or ``builtin:photos``; every tenth file of each prefix is held out for validation.
        out: A folder for results; made if missing.
        resume: Go on from ``last.pt`` where there is one; otherwise a folder that has one is refused.
        device: A torch device; the GPU where there is one, if not said.
        perceptual_weights: Weights of the network that the perceptual loss looks through.
        compile: The parts of the network that the system names, with torch.compile.
        seconds: From this call on, after which it ends with a checkpoint, wherever it is.

    Raises:
        UsageError: no such data, a batch that the processes cannot share, or ``out`` holds a run of another recipe.
    """
    deadline = time.monotonic() + seconds
    state = checkpoint_of(config, out, resume=resume)
    run = made(training, config, device=device, perceptual_weights=perceptual_weights)
    pictures, held = run.read(data)
    if state is None:
        run.start(pictures)
        run.start_ema()
    else:
        _restore(run, state, out)
    run.compile(compile)
    run_through(run, pictures, held, out, deadline=deadline)
    return Result(run.step, run.seconds, run.best_score, out / "best.safetensors")


def made(
    training: type[Run[Any, Any]], config: Recipe, *, device: str | None, perceptual_weights: Path | None
) -> Run[Any, Any]:
    """A run that has not begun, on a device; see `train`."""
    torch.set_num_threads(config.threads)
    where = _device(device)
    torch.backends.cudnn.benchmark = where.type == "cuda"  # crops have few sizes
    run = training(config, where)
    _check_batches(config, run.team.size)
    loss = build_perceptual(config.perceptual, perceptual_weights)
    run.perceptual = loss.to(where) if isinstance(loss, nn.Module) else loss
    return run


def _device(asked: str | None) -> torch.device:
    """The device that is asked for; else this process's GPU where there is one, else the CPU."""
    gpu = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return torch.device(asked or (gpu if torch.cuda.is_available() else "cpu"))


def _check_batches(config: Recipe, processes: int) -> None:
    for number, phase in enumerate(config.phases, 1):
        if phase.batch % (processes * phase.accumulate):
            raise UsageError(
                f"phase {phase.name or number}: expected a batch that {processes} processes share in "
                f"{phase.accumulate} pieces, got {phase.batch}; change batch, accumulate or the number of processes"
            )


def _restore(run: Run[Any, Any], state: dict[str, Any], out: Path) -> None:
    last = out / "last.pt"
    try:
        run.restore(state)
    except (KeyError, RuntimeError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise UsageError(f"{last}: is of other phases or of another version ({why}); give another folder") from error
    if not (out / "best.safetensors").exists():  # it was too large to travel, say: the next weights are the best
        run.best_score, run.best_phase = -math.inf, None
