"""One step of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .batch import Batch, Losses
from .pictures import Pictures
from .run import Run

__all__ = ["add_gradients", "batch_of", "take_step"]


def take_step(run: Run[Any, Any], pictures: Pictures, progress: float) -> Losses:
    """Take one step, in the pieces that the phase says.

    Args:
        run: The training.
        pictures: To draw from.
        progress: Share of the budget that is spent.

    Returns:
        Losses before the step: figures in float64, the mean over its pieces; words of the last piece.
    """
    phase, done = run.config.phase_at(progress)
    for name, parameter in run.model.named_parameters():
        # first of all: torch chooses its convolutions by it, so that a closed form of `prepare` hangs on it
        parameter.requires_grad_(run.learns(name, phase))
    run.prepare(phase, pictures)
    for group, rate in zip(run.optimizer.param_groups, run.learning_rates(phase, done, progress), strict=True):
        group["lr"] = rate
    batch = batch_of(run, pictures, phase, progress)
    run.optimizer.zero_grad(set_to_none=True)
    pieces = [add_gradients(run, batch) for _ in range(phase.accumulate)]
    _descend(run)
    run.step += 1
    run.follow()
    return _mean(pieces)


def batch_of(run: Run[Any, Any], pictures: Pictures, phase: Any, progress: float) -> Batch[Any]:
    """What this process draws the present step from, piece by piece."""
    size = phase.batch // (run.team.size * phase.accumulate)
    seed = [run.config.seed, run.step, run.team.rank]
    return Batch(pictures, phase, progress, size=size, seed=seed, device=run.device)


def add_gradients(run: Run[Any, Any], batch: Batch[Any]) -> Losses:
    """Add the gradients of a piece."""
    with torch.autocast(run.device.type, dtype=torch.bfloat16, enabled=run.config.precision == "bfloat16"):
        losses = run.losses(batch)
    (losses["loss"] / batch.phase.accumulate).backward()
    return {name: value.detach() if isinstance(value, Tensor) else value for name, value in losses.items()}


def _descend(run: Run[Any, Any]) -> None:
    """Average over the team, clip, and step, without waiting for a GPU; not where the gradient is not finite."""
    run.team.average([p.grad for p in run.model.parameters() if p.grad is not None] + run.shared())
    norm = nn.utils.clip_grad_norm_(run.model.parameters(), run.config.clip_norm)
    run.optimizer.step_unless(~torch.isfinite(norm))


def _mean(pieces: Sequence[Losses]) -> Losses:
    return {name: _mean_of([one[name] for one in pieces]) for name in pieces[-1]}


def _mean_of(values: Sequence[Tensor | str]) -> Tensor | str:
    figures = [value.double() for value in values if isinstance(value, Tensor)]
    return torch.stack(figures).mean() if figures else values[-1]
