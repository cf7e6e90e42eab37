"""A SwinJSCC network in torch, behind the names of its exported files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import UsageError
from ..codec import Role
from ..model_card import card_path
from ..weights.network import config_of, fill
from .codec import Codec, SwinAbout
from .names import DEFAULT, SHIPPED, Variant, channels_of
from .network import SwinJscc
from .public_weights import read_public
from .sizes import SwinConfig

__all__ = ["TorchEngine", "about_of", "load"]


def load(
    variant: Variant = DEFAULT, weights: str | Path | None = None, *, role: Role | None = None, device: str = "cpu"
) -> Codec:
    """Load weights for both ends.

    Args:
        variant: What the header calls them.
        weights: A safetensors file with its card beside it; or one of the public code, without a card; what is shipped
            for the variant if not said.
        role: Of no matter: one network holds both ends.
        device: Where it runs.

    Raises:
        WeightsError: see `ShippedWeights.load` and `read_public`, or the weights are of another kind of network.
        UsageError: none are given, and none are shipped for this variant.
    """
    path = _shipped(variant) if weights is None else Path(weights)
    if card_path(path).is_file():
        card, tensors = SHIPPED.load(path)
        config, digest = config_of(SHIPPED.system, path, card, SwinConfig), card.sha256
    else:
        config, tensors = read_public(path)
        digest = _check_sum(tensors)
    network = SwinJscc(config)
    fill(path, network, tensors)
    return Codec(TorchEngine(network, device), about_of(variant, config, digest))


def _check_sum(tensors: Mapping[str, Tensor]) -> str:
    """Of the numbers, so that a file and what it was converted to have the same."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(tensors[name].contiguous().numpy().data)
    return found.hexdigest()


def _shipped(variant: Variant) -> Path:
    path = SHIPPED.folder / f"{variant}.safetensors"
    if path.is_file():
        return path
    raise UsageError(
        f"swinjscc: no weights are shipped for {variant}; give `weights`: what `semcom train swinjscc --config "
        f"{variant}` wrote, or a file of the public code (github.com/semcomm/SwinJSCC)"
    )


def about_of(variant: Variant, config: SwinConfig, digest: str | None) -> SwinAbout:
    """What the codec must know."""
    rates = {rate: channels_of(rate, config.stride) for rate in config.rates}
    return SwinAbout(
        variant=variant,
        stride=config.stride,
        features=config.features,
        rates=rates,
        channels=config.channels,
        weights_sha256=digest,
    )


class TorchEngine:
    """A trained network, in float32, one picture at a time.

    With the same number of torch threads the same input gives the same bytes.

    Args:
        network: With its weights.
        device: Where it runs.
    """

    def __init__(self, network: SwinJscc, device: str = "cpu") -> None:
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = torch.device(device)

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute ``features`` or ``picture``, see `export.EncoderGraph` and `export.DecoderGraph`."""
        outputs: dict[str, Callable[..., Tensor]] = {"features": self._features, "picture": self._picture}
        given = {name: torch.from_numpy(np.array(value)).to(self._device) for name, value in inputs.items()}
        made: NDArray[np.float32] = outputs[output](**given).cpu().numpy()
        return made

    def _features(self, image: Tensor, count: Tensor, esn0_db: Tensor) -> Tensor:
        encoded = self.network.encode(image.permute(2, 0, 1)[None].float() / 255, count, esn0_db)
        return torch.cat([encoded.strength, encoded.features[0].flatten(0, 1)])

    def _picture(self, features: Tensor, n0: Tensor, count: Tensor, esn0_db: Tensor, met_db: Tensor) -> Tensor:
        return self.network.decode(features[None], n0[None], count, esn0_db, met_db)[0].permute(1, 2, 0)
