"""A latent diffusion network in torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..codec import Role
from ..model_card import ModelCard
from ..weights.network import config_of, fill
from .codec import Codec, LatentAbout
from .config import LatentDiffusionConfig
from .names import DEFAULT, SHIPPED, Variant
from .network import LatentDiffusion

__all__ = ["TorchEngine", "load"]


def load(
    variant: Variant = DEFAULT, weights: str | Path | None = None, *, role: Role | None = None, device: str = "cpu"
) -> Codec:
    """Load weights for both ends.

    Args:
        variant: What the header calls them.
        weights: A safetensors file with its card beside it; what is shipped for the variant if not said.
        role: Of no matter: both ends hold the denoiser.
        device: Where it runs.

    Raises:
        WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
    """
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    card, tensors = SHIPPED.load(path)
    network = LatentDiffusion(config_of(SHIPPED.system, path, card, LatentDiffusionConfig))
    fill(path, network, tensors)
    engine = TorchEngine(network, card, device)
    return Codec(engine, engine.about(variant))


class TorchEngine:
    """A trained network, in float32.

    One picture at a time: with the same number of torch threads the same input gives the same bytes.

    Args:
        network: With its weights.
        card: Of its weights.
        device: Where it runs.
    """

    def __init__(self, network: LatentDiffusion, card: ModelCard, device: str = "cpu") -> None:
        self.network, self.card = network.to(device).eval().requires_grad_(requires_grad=False), card
        self._device = torch.device(device)

    def about(self, variant: Variant) -> LatentAbout:
        """What the codec must know."""
        config = self.network.config.autoencoder
        return LatentAbout(
            variant=variant,
            stride=config.stride,
            channels=config.latent_channels,
            denoiser_stride=self.network.config.denoiser.stride,
            weights_sha256=self.card.sha256,
        )

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute ``clean`` ``[c, h / 8, w / 8]``, ``epsilon`` of the same shape, or ``picture`` ``[h, w, 3]``.

        What it does not need is let be.
        """
        outputs: dict[str, tuple[Callable[..., Tensor], tuple[str, ...]]] = {
            "clean": (self._clean, ("image", "noise")),
            "epsilon": (self._epsilon, ("latent", "level")),
            "picture": (self._picture, ("clean",)),
        }
        function, names = outputs[output]
        tensors = (torch.from_numpy(np.array(inputs[name])).to(self._device) for name in names)
        made: NDArray[np.float32] = function(*tensors).contiguous().cpu().numpy()
        return made

    def _clean(self, image: Tensor, noise: Tensor) -> Tensor:
        return self.network.latents(image.permute(2, 0, 1)[None].float() / 255, noise[None])[0]

    def _epsilon(self, latent: Tensor, level: Tensor) -> Tensor:
        return self.network.epsilon(latent[None], level)[0]

    def _picture(self, clean: Tensor) -> Tensor:
        return self.network.pictures(clean[None])[0].permute(1, 2, 0)
