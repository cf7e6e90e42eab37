"""SwinJSCC's part in its training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..deepjscc.step import BINS
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures, draw_images
from ..training.recipe import LearningPhase
from ..training.run import Run
from ..training.validation import Scores
from .config import TrainConfig
from .names import RATES
from .network import SwinJscc
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["SwinJsccRun"]


class SwinJsccRun(Run[TrainConfig, SwinJscc]):
    """A training of `SwinJscc`; all but its linear code learns in every phase."""

    system, recipe = SYSTEM, TrainConfig
    score_name = "psnr_db"
    validates_start = True
    holds = ("level",)

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.level = torch.zeros(len(RATES), BINS, device=device)  # running MSE by rate and effective SNR

    def build(self) -> SwinJscc:
        """Of the recipe's sizes."""
        return SwinJscc(self.config.model)

    def learns(self, name: str, phase: LearningPhase) -> bool:
        """The linear code has a closed form."""
        return not name.startswith("klt.")

    def start(self, pictures: Pictures) -> None:
        """Take the closed form of training pictures."""
        config = self.config
        rng = np.random.default_rng([config.seed, 2**31])
        self.model.fit(draw_images(pictures, config.fit_patches, config.model.stride, rng, self.device))

    def losses(self, batch: Batch[LearningPhase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, self.level, batch)

    def shared(self) -> list[Tensor]:
        """The running MSE."""
        return [self.level]

    def validate(self, network: SwinJscc, held: Pictures, phase: LearningPhase) -> Scores:
        """See `validate`."""
        return validate(self, network, held)

    def metrics(self, figures: dict[str, float]) -> dict[str, float]:
        """PSNR alone."""
        return {f"validation PSNR in dB: {name}": round(value, 3) for name, value in figures.items()}
