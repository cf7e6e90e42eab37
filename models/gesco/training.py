"""GESCO's part in its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...sim.label_maps.scenes import TRAINING
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Scores
from .config import Phase, TrainConfig
from .network import Gesco
from .scenes import read_scenes
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["GescoRun"]


class GescoRun(Run[TrainConfig, Gesco]):
    """A training on scenes: pictures with their label maps."""

    system, recipe = SYSTEM, TrainConfig

    def build(self) -> Gesco:
        """Of the recipe's sizes."""
        made: Any = Gesco(self.config.model)
        network: Gesco = made.to(memory_format=torch.channels_last)  # quicker on CPUs
        return network

    def read(self, data: Path) -> tuple[Pictures, Pictures]:
        """See `read_scenes`."""
        return read_scenes(data, self.config)

    def about(self, held: Pictures) -> str:
        """What the card says of the scenes."""
        if held.names[-1] == f"scene-{TRAINING - 1}":
            drawn = f"{self.config.scenes} scenes of builtin:scenes, from number {TRAINING} on"
            return f"{drawn}; {len(held.names)} before them held out"
        return f"label maps with their pictures; every tenth held out, {len(held.names)}"

    def losses(self, batch: Batch[Phase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self.model, self.config, batch)

    def validate(self, network: Gesco, held: Pictures, phase: Phase) -> Scores:
        """See `validate`."""
        return validate(self, network, held)
