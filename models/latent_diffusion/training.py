"""The part of latent diffusion in its training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...errors import UsageError
from ..training.batch import Batch, Losses
from ..training.pictures import Pictures, draw_images
from ..training.run import Run
from ..training.validation import Scores
from .config import Phase, TrainConfig
from .names import SHIPPED
from .network import LatentDiffusion, part_of
from .step import losses_of
from .system import SYSTEM
from .validation import validate

__all__ = ["LatentDiffusionRun"]


class LatentDiffusionRun(Run[TrainConfig, LatentDiffusion]):
    """A training in two parts: first the autoencoder, then the denoiser of its latents."""

    system, recipe = SYSTEM, TrainConfig
    holds = ("scaled",)

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.scaled = False
        if _leaves_latents(config):
            self.base = SHIPPED.base(config.start_from)
        self.teacher: LatentDiffusion | None = None

    def build(self) -> LatentDiffusion:
        """Of the recipe's sizes."""
        return LatentDiffusion(self.config.model)

    def learns(self, name: str, phase: Phase) -> bool:
        """By the part that it belongs to."""
        return part_of(name) == phase.trains

    def start(self, pictures: Pictures) -> None:
        """Load the weights that the recipe names."""
        if self.config.start_from is None:
            return
        _fill(self.model, self.config.start_from)
        self.scaled = _leaves_latents(self.config)

    def prepare(self, phase: Phase, pictures: Pictures) -> None:
        """Take the latents' scale when the denoiser first learns: the autoencoder is ready by then."""
        self._find_teacher(phase)
        if phase.trains == "denoiser" and not self.scaled:
            self._take_scale(pictures)
            self.scaled = True
            self.start_ema()

    def _find_teacher(self, phase: Phase) -> None:
        if phase.teacher_steps and self.teacher is None and self.config.start_from is not None:
            self.teacher = self.build().to(self.device).eval().requires_grad_(requires_grad=False)
            _fill(self.teacher, self.config.start_from)

    @torch.no_grad()
    def _take_scale(self, pictures: Pictures) -> None:
        config, model, rng = self.config, self.model, np.random.default_rng([self.config.seed, 2**31])
        model.load_state_dict(self.ema)  # the mean weights are kept of the autoencoder, and met by the denoiser
        model.scale.fill_(1)
        total, count = 0.0, 0
        for _ in range(-(-config.scale_crops // 16)):
            latents = model.latents(draw_images(pictures, 16, config.phases[-1].crop, rng, self.device)).double()
            total, count = total + float(latents.square().sum()), count + latents.numel()
        model.scale.fill_((count / total) ** 0.5)

    def losses(self, batch: Batch[Phase]) -> Losses:
        """See `losses_of`."""
        return losses_of(self, batch, self.teacher if batch.phase.teacher_steps else None)

    def validate(self, network: LatentDiffusion, held: Pictures, phase: Phase) -> Scores:
        """See `validate`."""
        return validate(self, network, held, phase, self.teacher if phase.teacher_steps else None)

    def keeps(self, name: str) -> bool:
        """What the base does not hold."""
        return self.base is None or part_of(name) == "denoiser"

    def files(self, phase: Phase) -> Sequence[str]:
        """The best of each phase beside the best."""
        return "best", phase.name


def _leaves_latents(config: TrainConfig) -> bool:
    """Whether frames are those of the weights that the run starts from: it leaves their autoencoder as it is."""
    return all(phase.trains == "denoiser" for phase in config.phases)


def _fill(network: LatentDiffusion, name: str) -> None:
    """Put the weights that a recipe names into a network."""
    _, tensors = SHIPPED.load(SHIPPED.find(name))
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise UsageError(f"start_from: {name}: is of other sizes than 'model'; give model its card's sizes") from None
