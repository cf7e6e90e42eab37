"""The part of the latent denoiser in its training."""

from __future__ import annotations

from ...errors import UsageError
from ..latent_diffusion.names import SHIPPED as WITH_LATENTS
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures
from ..training.recipe import LearningPhase
from ..training.run import Run
from ..training.validation import Scores
from .config import TrainConfig
from .network import LatentDenoiser
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["LatentDenoiserRun"]


class LatentDenoiserRun(Run[TrainConfig, LatentDenoiser]):
    """A training of the denoiser alone, on an autoencoder that was trained before."""

    system, recipe = SYSTEM, TrainConfig

    def build(self) -> LatentDenoiser:
        """Of the recipe's sizes."""
        return LatentDenoiser(self.config.model)

    def learns(self, name: str, phase: LearningPhase) -> bool:
        """The denoiser does."""
        return name.startswith("denoiser.")

    def start(self, pictures: Pictures) -> None:
        """Load the autoencoder and the scale of its latents."""
        name = self.config.start_from
        _, tensors = WITH_LATENTS.load(WITH_LATENTS.find(name))
        mine = {key for key in self.model.state_dict() if not key.startswith("denoiser.")}
        try:
            self.model.load_state_dict({key: tensors[key] for key in mine}, strict=False)
        except (KeyError, RuntimeError):
            raise UsageError(
                f"start_from: {name}: its autoencoder is of other sizes than 'model'; give model its card's sizes"
            ) from None
        if float(self.model.scale) == 1:
            raise UsageError(
                f"start_from: {name}: its latents were not brought to unit variance yet; give weights with a denoiser"
            )

    def losses(self, batch: Batch[LearningPhase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, batch)

    def validate(self, network: LatentDenoiser, held: Pictures, phase: LearningPhase) -> Scores:
        """See `validate`."""
        return validate(self.config, network, held, self.device)
