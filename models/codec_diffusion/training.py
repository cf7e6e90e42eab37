"""The part of a coder's diffusion receiver in its training."""

from __future__ import annotations

from pathlib import Path

import torch

from ...errors import UsageError
from ..pixel_diffusion.config import DenoisingPhase
from ..pixel_diffusion.denoising import NoiseLevels
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures, read_pictures
from ..training.run import Run
from ..training.validation import Scores
from ..weights.network import config_of
from .coded_crops import coded_crops
from .coding import coder_of
from .config import CodedDenoiserConfig, TrainConfig
from .names import SHIPPED
from .network import CodecDiffusion
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["CodecDiffusionRun"]


class CodecDiffusionRun(Run[TrainConfig, CodecDiffusion]):
    """A training of the denoiser."""

    system, recipe = SYSTEM, TrainConfig

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.coder = coder_of(config)
        self.noise = NoiseLevels.of(config, device)

    def read(self, data: Path) -> tuple[Pictures, Pictures]:
        """See `coded_crops`: where the coder is slow, training pictures are coded here."""
        if not self.config.coded_crops:
            return super().read(data)
        whole = [phase.model_copy(update={"crop": self.config.coded_side}) for phase in self.config.phases]
        train, held = read_pictures(data, self.config.model_copy(update={"phases": tuple(whole)}))
        return coded_crops(train, self.config), held

    def build(self) -> CodecDiffusion:
        """Of the recipe's sizes."""
        return CodecDiffusion(self.config.model)

    def start(self, pictures: Pictures) -> None:
        """Load the weights that the recipe names."""
        name = self.config.start_from
        if name is None:
            return
        weights = SHIPPED.find(name)
        card, tensors = SHIPPED.load(weights)
        if config_of(SYSTEM.name, weights, card, CodedDenoiserConfig).unet != self.config.model.unet:
            raise UsageError(
                f"start_from: {name}: is of another network than 'model' says; give model its card's sizes"
            )
        self.model.load_state_dict(tensors)

    def losses(self, batch: Batch[DenoisingPhase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, self.noise, self.coder, batch)

    def validate(self, network: CodecDiffusion, held: Pictures, phase: DenoisingPhase) -> Scores:
        """See `validate`."""
        return validate(self, self.coder, network, held, phase)
