"""A GESCO network in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..codec import Role
from ..model_card import card_path
from ..weights.network import fill
from .codec import Codec, GescoAbout, config_for
from .names import DEFAULT, SHIPPED, Variant
from .network import Condition, Gesco
from .public_weights import read_public

__all__ = ["TorchEngine", "load"]


def load(
    variant: Variant = DEFAULT, weights: str | Path | None = None, *, role: Role | None = None, device: str = "cpu"
) -> Codec:
    """Load weights.

    Args:
        variant: What the header calls them.
        weights: A safetensors file with its card beside it; or one of the public code, without a card; what is shipped
            for the variant if not said.
        role: Of no matter: who sends needs no network, see `codec.sender`.
        device: Where it runs.

    Raises:
        WeightsError: see `ShippedWeights.load` and `read_public`, or the weights are of another kind of network.
        UsageError: none are given, and none are shipped for this variant.
    """
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    config, digest = config_for(variant, path), None
    if card_path(path).is_file():
        card, tensors = SHIPPED.load(path)
        digest = card.sha256
    else:
        tensors = read_public(path, config)
    network = Gesco(config)
    fill(path, network, tensors)
    return Codec(TorchEngine(network, device), GescoAbout.of(variant, config, digest))


class TorchEngine:
    """A trained network, in float32.

    One picture at a time: with the same number of torch threads the same input gives the same bytes.

    Args:
        network: With its weights.
        device: Where it runs.

    State: what the last two sets of maps say to the network; it does not depend on the noise.
    """

    def __init__(self, network: Gesco, device: str = "cpu") -> None:
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = torch.device(device)
        self._conditions: list[tuple[NDArray[np.float32], Condition]] = []

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute the ``prediction`` ``[6, h, w]`` from ``maps``, a ``noisy`` picture and its ``level``."""
        assert output == "prediction"
        noisy, level = (torch.from_numpy(np.array(inputs[name])).to(self._device) for name in ("noisy", "level"))
        made: NDArray[np.float32]
        made = self.network.predict(noisy[None], level, self._condition(inputs["maps"]))[0].cpu().numpy()
        return made

    def _condition(self, maps: NDArray[np.float32]) -> Condition:
        for known, condition in self._conditions:
            if np.array_equal(known, maps):
                return condition
        condition = self.network.condition(torch.from_numpy(np.array(maps))[None].to(self._device))
        self._conditions = [*self._conditions[-1:], (np.array(maps), condition)]
        return condition
