"""What one step is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from .pictures import Pictures, draw_images
from .recipe import Stretch

__all__ = ["Batch", "Losses"]

P = TypeVar("P", bound=Stretch)
Losses = Mapping[str, Tensor | str]  # `loss` is what falls; the log shows means of figures, and the last of words


class Batch(Generic[P]):
    """A part of the recipe, pictures, and streams of random numbers of this step's own: a restart keeps none of them.

    Args:
        pictures: To draw from.
        phase: Of the recipe.
        progress: Share of the budget that is spent.
        size: How many crops; this process's share of the phase's batch, or of a piece of it.
        seed: Of the step.
        device: Where the crops go.

    Attributes:
        rng: For draws in numpy.
        generator: For draws in torch, on the CPU. What draws from torch's own generator (dropout) is seeded too.
    """

    def __init__(
        self, pictures: Pictures, phase: P, progress: float, *, size: int, seed: Sequence[int], device: torch.device
    ) -> None:
        self.phase, self.progress, self.size = phase, progress, size
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(int(self.rng.integers(2**62)))
        torch.manual_seed(self.generator.initial_seed())
        self._pictures, self._device = pictures, device

    def images(self) -> Tensor:
        """Crops ``[size, 3, crop, crop]`` in [0, 1], drawn anew."""
        return draw_images(self._pictures, self.size, self.phase.crop, self.rng, self._device)

    def uniform(self, bounds: tuple[float, float]) -> Tensor:
        """A number between the bounds for each crop: float32 ``[size]``."""
        return torch.from_numpy(self.rng.uniform(*bounds, size=self.size).astype(np.float32)).to(self._device)
