"""What one step is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .pictures import Pictures, draw_images
from .recipe import Stretch
from .to_device import to_device

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
        generator: For draws in torch, on the device. What draws from torch's own generator (dropout) is seeded too.
        host: For draws that the host must know of, on the CPU; there it is the same as `generator`.
    """

    def __init__(
        self, pictures: Pictures, phase: P, progress: float, *, size: int, seed: Sequence[int], device: torch.device
    ) -> None:
        self.phase, self.progress, self.size = phase, progress, size
        self.rng = np.random.default_rng(seed)
        self.host = self.generator = torch.Generator().manual_seed(int(self.rng.integers(2**62)))
        if device.type != "cpu":
            self.generator = torch.Generator(device).manual_seed(self.host.initial_seed())
        torch.manual_seed(self.host.initial_seed())
        self._pictures, self._device = pictures, device

    def images(self) -> Tensor:
        """Crops ``[size, 3, crop, crop]`` in [0, 1], drawn anew."""
        return draw_images(self._pictures, self.size, self.phase.crop, self.rng, self._device)

    def uniform(self, bounds: tuple[float, float]) -> Tensor:
        """A number between the bounds for each crop: float32 ``[size]``."""
        return self.put(self.rng.uniform(*bounds, size=self.size).astype(np.float32))

    def put(self, drawn: Tensor | NDArray[Any]) -> Tensor:
        """What the host has drawn, on the device; without waiting for it."""
        return to_device(drawn, self._device)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Values of mean zero and variance one, drawn on the device: float32 of this shape."""
        return torch.randn(tuple(shape), generator=self.generator, device=self._device)
