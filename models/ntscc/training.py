"""NTSCC's part in its training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..deepjscc.step import BINS
from ..patch_rates.level_variances import log_level_variances
from ..patch_rates.rate_map import ETAS, PATCH
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures, draw_images
from ..training.run import Run
from ..training.validation import Scores
from .config import Phase, TrainConfig
from .network import Ntscc, part_of
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["NtsccRun"]


class NtsccRun(Run[TrainConfig, Ntscc]):
    """A training in phases, each of which says what learns: first the entropy model, on which rates hang."""

    system, recipe = SYSTEM, TrainConfig
    holds = ("level", "fitted")

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.level = torch.zeros(len(ETAS), BINS, device=device)  # running MSE by eta and effective SNR
        self.fitted = ""  # name of the phase for which the variances by level were taken

    def build(self) -> Ntscc:
        """Of the recipe's sizes."""
        return Ntscc(self.config.model)

    def learns(self, name: str, phase: Phase) -> bool:
        """By the part that it belongs to."""
        return part_of(name) in phase.trains

    def start(self, pictures: Pictures) -> None:
        """Take the basis from training pictures."""
        rng = np.random.default_rng([self.config.seed, 2**31 + 1])
        self.model.fit(draw_images(pictures, 16 * self.config.fit_crops, PATCH, rng, self.device))

    def prepare(self, phase: Phase, pictures: Pictures) -> None:
        """Take the variances by level for each phase in which the code learns, with the entropy model as it is then."""
        if self.fitted != phase.name and "code" in phase.trains:
            self.model.log_variance.copy_(log_level_variances(self._looks(pictures)))
            self.fitted = phase.name
            self.start_ema()

    @torch.no_grad()
    def _looks(self, pictures: Pictures) -> Iterator[tuple[Tensor, Tensor]]:
        config = self.config
        rng = np.random.default_rng([config.seed, 2**31])
        side = min(config.validation_crop // PATCH * PATCH, max(phase.crop for phase in config.phases))
        esn0_db = torch.full((4,), sum(config.esn0_db) / 2, device=self.device)
        for _ in range(-(-config.fit_crops // 4)):
            y, entropy = self.model.entropy(draw_images(pictures, 4, side, rng, self.device), esn0_db)
            yield y * config.model.step, entropy.patch_bits

    def losses(self, batch: Batch[Phase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, self.level, batch)

    def shared(self) -> list[Tensor]:
        """The running MSE."""
        return [self.level]

    def validate(self, network: Ntscc, held: Pictures, phase: Phase) -> Scores:
        """See `validate`."""
        return validate(self, network, held, phase)

    def metrics(self, figures: dict[str, float]) -> dict[str, Any]:
        """PSNR, and bits."""
        return {
            f"validation, {name}" if name.endswith("bits per pixel") else f"validation PSNR in dB: {name}": round(
                value, 3
            )
            for name, value in figures.items()
        }
