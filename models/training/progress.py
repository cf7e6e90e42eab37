"""What every training run holds beside its network, and how it begins or goes on."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..perceptual.build import build_perceptual
from .checkpoint import load_checkpoint
from .recipe import Recipe
from .team import Team

__all__ = ["Perceptual", "Progress", "checkpoint_of", "device_for", "perceptual_for"]

Perceptual = Callable[[Tensor, Tensor], Tensor]


class Progress:
    """The team, the exponential mean of the weights, and how far the budget is spent.

    Args:
        config: The recipe.
        device: Where it trains.
        model: The network.
    """

    def __init__(self, config: Recipe, device: torch.device, model: nn.Module) -> None:
        self.team = Team(device)
        self.device = device
        self._budget, self._network = config, model
        self.ema: dict[str, Tensor] = {}
        self.step, self.seconds = 0, 0.0

    def start_ema(self) -> None:
        """The mean starts at the present weights."""
        self.ema = {name: value.detach().clone() for name, value in self._network.state_dict().items()}

    @torch.no_grad()
    def follow(self) -> None:
        """One step of the exponential mean of the weights; short in the first steps of a run."""
        decay = min(self._budget.ema_decay, (1 + self.step) / (10 + self.step))
        now = self._network.state_dict()
        moving = [name for name, value in now.items() if value.dtype.is_floating_point]
        torch._foreach_lerp_([self.ema[name] for name in moving], [now[name] for name in moving], 1 - decay)

    def progress(self) -> float:
        """Share of the budget that is spent."""
        if self._budget.steps is not None:
            return min(1.0, self.step / self._budget.steps)
        return min(1.0, self.seconds / (60 * (self._budget.minutes or math.inf)))


def device_for(device: str | None) -> torch.device:
    """The device that is asked for; else this process's GPU where there is one, else the CPU."""
    gpu = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return torch.device(device or (gpu if torch.cuda.is_available() else "cpu"))


def perceptual_for(config: Recipe, weights: Path | None, device: torch.device) -> Perceptual | None:
    """The perceptual loss of a recipe, on the device.

    Raises:
        UsageError: it needs weights and none are given.
    """
    loss = build_perceptual(config.perceptual, weights)
    return loss.to(device) if isinstance(loss, nn.Module) else loss


def checkpoint_of(config: Any, out: Path, *, resume: bool) -> dict[str, Any] | None:
    """The checkpoint in a folder of results, or None where a run begins; the folder is made if missing.

    Args:
        config: The recipe; its ``model`` and ``seed`` must be those of the checkpoint.
        out: The folder.
        resume: Go on from ``last.pt``; otherwise a folder that has one is refused.

    Raises:
        UsageError: it may not be gone on with, or is of another recipe.
    """
    out.mkdir(parents=True, exist_ok=True)
    last = out / "last.pt"
    if not last.exists():
        return None
    if not resume:
        raise UsageError(f"{last}: a run is there already; give another folder, or go on with it")
    state = load_checkpoint(last)
    before = type(config).model_validate_json(state["config"])
    if before.model != config.model or before.seed != config.seed:
        raise UsageError(f"{last}: is of another recipe; give another folder")
    return state
