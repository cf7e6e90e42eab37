"""The latent denoiser in torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..codec import Role
from ..weights.network import config_of, fill
from .codec import Codec, DenoiserAbout
from .config import LatentDenoiserConfig
from .names import DEFAULT, SHIPPED, Variant
from .network import LatentDenoiser

__all__ = ["TorchEngine", "load"]


def load(
    variant: Variant = DEFAULT, weights: str | Path | None = None, *, role: Role | None = None, device: str = "cpu"
) -> Codec:
    """Load weights for both ends.

    Args:
        variant: What the header calls them.
        weights: A safetensors file with its card beside it; what is shipped for the variant if not said.
        role: Of no matter: both ends hold the autoencoder.
        device: Where it runs.

    Raises:
        WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
    """
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    card, tensors = SHIPPED.load(path)
    network = LatentDenoiser(config_of(SHIPPED.system, path, card, LatentDenoiserConfig))
    fill(path, network, tensors)
    autoencoder = network.config.autoencoder
    about = DenoiserAbout(
        variant=variant,
        stride=autoencoder.stride,
        channels=autoencoder.latent_channels,
        weights_sha256=card.sha256,
    )
    return Codec(TorchEngine(network, device), about)


class TorchEngine:
    """A trained network, in float32.

    One picture at a time: with the same number of torch threads the same input gives the same bytes.

    Args:
        network: With its weights.
        device: Where it runs.
    """

    def __init__(self, network: LatentDenoiser, device: str = "cpu") -> None:
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = torch.device(device)

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute ``latents`` ``[c, h / 8, w / 8]``, their ``estimate``, or ``picture`` ``[h, w, 3]``."""
        functions: dict[str, Callable[..., Tensor]] = {
            "latents": self._latents,
            "estimate": self._estimate,
            "picture": self._picture,
        }
        tensors = {name: torch.from_numpy(np.array(value)).to(self._device) for name, value in inputs.items()}
        made: NDArray[np.float32] = functions[output](**tensors).contiguous().cpu().numpy()
        return made

    def _latents(self, image: Tensor) -> Tensor:
        return self.network.latents(image.permute(2, 0, 1)[None].float() / 255)[0]

    def _estimate(self, noisy: Tensor, received: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        return self.network.estimate(noisy[None], received[None], noise[None], level)[0]

    def _picture(self, latents: Tensor) -> Tensor:
        return self.network.pictures(latents[None])[0].permute(1, 2, 0)
