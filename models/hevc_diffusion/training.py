"""The part of HEVC's diffusion receiver in its training."""

from __future__ import annotations

import torch

from ...errors import UsageError
from ..pixel_diffusion.config import DenoiserConfig, DenoisingPhase
from ..pixel_diffusion.denoising import NoiseLevels
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Scores
from ..weights.network import config_of
from .config import TrainConfig
from .names import SHIPPED
from .network import HevcDiffusion
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["HevcDiffusionRun"]


class HevcDiffusionRun(Run[TrainConfig, HevcDiffusion]):
    """A training of the denoiser."""

    system, recipe = SYSTEM, TrainConfig

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.noise = NoiseLevels.of(config, device)

    def build(self) -> HevcDiffusion:
        """Of the recipe's sizes."""
        return HevcDiffusion(self.config.model)

    def start(self, pictures: Pictures) -> None:
        """Load the weights that the recipe names."""
        name = self.config.start_from
        if name is None:
            return
        weights = SHIPPED.find(name)
        card, tensors = SHIPPED.load(weights)
        if config_of(SYSTEM.name, weights, card, DenoiserConfig).unet != self.config.model.unet:
            raise UsageError(
                f"start_from: {name}: is of another network than 'model' says; give model its card's sizes"
            )
        self.model.load_state_dict(tensors)

    def losses(self, batch: Batch[DenoisingPhase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, self.noise, batch)

    def validate(self, network: HevcDiffusion, held: Pictures, phase: DenoisingPhase) -> Scores:
        """See `validate`."""
        return validate(self, network, held, phase)
