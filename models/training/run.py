"""A training: what its checkpoint holds, and what a system supplies."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..compiled import Compile, compiled
from ..model_card import ModelCard
from ..perceptual.build import Perceptual
from ..system import System
from .adamw import AdamW
from .batch import Batch, Losses
from .learning_rate import half_cosine, warm_up
from .muon import Muon
from .pictures import Pictures, read_pictures
from .recipe import Recipe
from .team import Team
from .validation import Scores

__all__ = ["Run"]

C = TypeVar("C", bound=Recipe)
M = TypeVar("M", bound=nn.Module)
_HELD = ("model", "optimizer", "ema", "step", "seconds")


class Run(ABC, Generic[C, M]):
    """One training of one network: the team, the optimiser, the mean of the weights, how far it is, the best so far.

    A system makes a class of it that says `system` and `recipe`, builds its network, turns a batch into losses
    and held-out pictures into scores. What follows these has a default; a system changes what it needs otherwise.

    Args:
        config: The recipe.
        device: Where it trains.

    Attributes:
        model: The network that learns.
        ema: The exponential mean of its weights, by name; these are validated and kept.
        step: How many steps were taken.
        seconds: Of training and validation, over all restarts.
        perceptual: The recipe's perceptual loss, where it has one.
        base: Card of the weights that hold what `keeps` leaves out.
    """

    system: ClassVar[System]
    recipe: ClassVar[type[Recipe]]
    score_name: ClassVar[str] = "score"  # in the table of validations
    validates_start: ClassVar[bool] = False
    holds: ClassVar[tuple[str, ...]] = ()  # attributes of its own that a checkpoint must hold: tensors, modules, values

    def __init__(self, config: C, device: torch.device) -> None:
        torch.manual_seed(config.seed)  # of the starting weights; each step seeds anew
        self.config, self.device = config, device
        gpu = device.type == "cuda"
        network: Any = self.build().to(device)
        self.model: M = network.to(memory_format=torch.channels_last) if gpu else network
        self.team = Team(device)
        optimizer = Muon if config.optimizer == "muon" else AdamW
        self.optimizer = optimizer(self.groups(), lr=0.0, weight_decay=config.weight_decay, fused=gpu)
        self.perceptual: Perceptual | None = None
        self.base: ModelCard | None = None
        self.ema: dict[str, Tensor] = {}
        self.step, self.seconds = 0, 0.0
        self.best_score, self.best_phase = -math.inf, None

    # What a system supplies

    @property
    def paper(self) -> str:
        """What the network follows."""
        return self.system.paper

    @abstractmethod
    def build(self) -> M:
        """A network of the recipe's sizes."""

    @abstractmethod
    def losses(self, batch: Batch[Any]) -> Losses:
        """One batch, forward: ``loss``, differentiable, and what else the log is to show."""

    @abstractmethod
    def validate(self, network: M, held: Pictures, phase: Any) -> Scores:
        """Measure a network with the mean weights on held-out pictures, in the phase that is on."""

    def read(self, data: Path) -> tuple[Pictures, Pictures]:
        """Pictures for training and for validation; see `read_pictures`."""
        return read_pictures(data, self.config)

    def about(self, held: Pictures) -> str:
        """What the card says of the pictures."""
        return f"photographs; every tenth file of each prefix held out, {len(held.names)} files"

    def start(self, pictures: Pictures) -> None:
        """Before the first step: load weights, or take what has a closed form from training pictures."""

    def prepare(self, phase: Any, pictures: Pictures) -> None:
        """Before each step."""

    def groups(self) -> list[dict[str, Any]]:
        """The optimiser's groups of parameters: each parameter that learns in some phase, by itself."""
        return [
            {"params": [parameter], "name": name}
            for name, parameter in self.model.named_parameters()
            if any(self.learns(name, phase) for phase in self.config.phases)
        ]

    def learns(self, name: str, phase: Any) -> bool:
        """Whether a parameter learns in a phase; the others are frozen."""
        return True

    def learning_rates(self, phase: Any, done: float, progress: float) -> Sequence[float]:
        """Of each group; ``done`` is the share of the phase that is over, ``progress`` of the whole budget."""
        rate = warm_up(self.step, self.config.warmup_steps) * phase.learning_rate
        return [rate * half_cosine(done, phase.final_share)] * len(self.optimizer.param_groups)

    def shared(self) -> list[Tensor]:
        """What is averaged over the team after each step beside the gradients."""
        return []

    def outdoes(self, score: float) -> bool:
        """Whether weights are to be kept in place of the best so far of this phase."""
        return score > self.best_score

    def keeps(self, name: str) -> bool:
        """Whether a tensor belongs into the weights."""
        return True

    def files(self, phase: Any) -> Sequence[str]:
        """Names of the files of weights that are kept in a phase, without their endings."""
        return ["best"]

    def to_compile(self) -> Sequence[nn.Module]:
        """Parts of the network that are called as functions of tensors, step by step."""
        return list(self.model.children())

    def row(self, losses: Sequence[Losses], phase: Any) -> dict[str, Any]:
        """What the log says of the last steps."""
        names = [name for name, value in losses[-1].items() if isinstance(value, Tensor)]
        means = {name: float(np.mean([float(one[name]) for one in losses])) for name in names}
        row = {**losses[-1], **{name: float(f"{mean:.5g}") for name, mean in means.items()}}
        return {"phase": phase.name, **row, "learning_rate": f"{self.optimizer.param_groups[0]['lr']:.3e}"}

    def metrics(self, figures: dict[str, float]) -> dict[str, float]:
        """What the card says that validation found."""
        return {f"validation, {name}": round(value, 4) for name, value in figures.items()}

    # What every checkpoint holds

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        held = {name: getattr(self, name) for name in (*_HELD, *self.holds)}
        return {
            "config": self.config.model_dump_json(),
            **{name: value.state_dict() if hasattr(value, "state_dict") else value for name, value in held.items()},
            f"best_{self.score_name}": self.best_score,
            "best_phase": self.best_phase,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint, of whatever device."""
        for name in (*_HELD, *self.holds):
            if hasattr(getattr(self, name), "state_dict"):
                getattr(self, name).load_state_dict(state[name])
            else:
                setattr(self, name, _on(self.device, state[name]))
        now = self.model.state_dict()
        self.ema = {name: torch.empty_like(now[name]).copy_(value) for name, value in self.ema.items()}  # its strides
        self.best_score, self.best_phase = state[f"best_{self.score_name}"], state.get("best_phase", "")

    def compile(self, how: Compile) -> None:
        """Have torch compile what `to_compile` names; states and names of tensors stay as they are."""
        for module in self.to_compile() if how != "off" else ():
            module.forward = compiled(module.forward, how)

    # How far it is

    def progress(self) -> float:
        """Share of the budget that is spent."""
        if self.config.steps is not None:
            return min(1.0, self.step / self.config.steps)
        return min(1.0, self.seconds / (60 * (self.config.minutes or math.inf)))

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What happens meanwhile counts."""
        start = time.monotonic()
        yield
        self.seconds += time.monotonic() - start

    # What the steps of systems share

    def distance(self, pictures: Tensor, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Mean perceptual distance of pictures ``[b, 3, h, w]`` from images in [0, 1]; 0 without such a loss.

        Both are shifted by up to three pixels, so that no grid of the loss's strides shows in what is learnt.
        """
        if self.perceptual is None:
            return torch.zeros((), device=self.device)
        top, left = rng.integers(0, 4, 2)
        return self.perceptual(pictures[..., top:, left:].clamp(0, 1), images[..., top:, left:]).float().mean()

    # The mean of the weights

    def start_ema(self) -> None:
        """The mean starts at the present weights."""
        self.ema = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    @torch.no_grad()
    def follow(self) -> None:
        """One step of the exponential mean of the weights; short in the first steps of a run."""
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        now = self.model.state_dict()
        moving = [name for name, value in now.items() if value.dtype.is_floating_point]
        torch._foreach_lerp_([self.ema[name] for name in moving], [now[name] for name in moving], 1 - decay)


def _on(device: torch.device, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _on(device, one) for name, one in value.items()}
    return value.to(device) if isinstance(value, Tensor) else value
