"""A DeepJSCC network in torch, behind the names of its exported files."""

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
from ..online_adaptation import adapted
from ..weights.network import config_of, fill
from .codec import Codec, DeepJsccAbout
from .config import NetworkConfig
from .names import DEFAULT, SHIPPED, Variant
from .network import build
from .rates import features_per_patch

__all__ = ["TorchEngine", "load"]


def load(variant: Variant = DEFAULT, weights: str | Path | None = None, *, role: Role | None = None) -> Codec:
    """Load weights for both ends.

    Args:
        variant: What the header calls them.
        weights: A safetensors file with its card beside it; what is shipped for the variant if not said.
        role: Of no matter: one network holds both ends.

    Raises:  WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
    """
    engine = TorchEngine(SHIPPED.path(variant) if weights is None else Path(weights))
    return Codec(engine, engine.about(variant))


class TorchEngine:
    """A trained network.

    Works in float32 on the CPU, one picture at a time: with the same number of torch threads the same input gives the
    same bytes.

    Args:
        path: A safetensors file with its card beside it.

    Attributes:
        card: What is known of the weights.
        network: With the methods of `JsccNetwork`.
    """

    card: ModelCard
    network: Any

    def __init__(self, path: Path) -> None:
        self.card, tensors = SHIPPED.load(path)
        config: NetworkConfig = config_of(SHIPPED.system, path, self.card, NetworkConfig)
        self.network = build(config)
        fill(path, self.network, tensors)
        self.network.eval().requires_grad_(requires_grad=False)

    @property
    def parameters(self) -> int:
        """How many numbers were trained or fitted."""
        return sum(value.numel() for value in self.network.parameters())

    def about(self, variant: Variant) -> DeepJsccAbout:
        """What the codec must know."""
        patch = self.network.multiple
        rates = {rate: features_per_patch(rate, patch) for rate in self.network.rates}
        return DeepJsccAbout(variant=variant, patch=patch, rates=rates, weights_sha256=self.card.sha256)

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute ``features`` or ``picture``, see `export.EveryRateEncoder` and `export.EveryRateDecoder`."""
        outputs: dict[str, Callable[..., Any]] = {"features": self._features, "picture": self._picture}
        made: NDArray[np.float32] = outputs[output](**inputs).numpy()
        return made

    @torch.inference_mode(mode=False)
    def adapt(
        self,
        features: NDArray[np.float32],
        steps: int,
        *,
        image: NDArray[np.uint8],
        rate: NDArray[np.int64],
        esn0_db: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], float]:
        """Improve features for the decoder's picture."""
        chosen, told = self.network.rates[int(rate[0])], torch.from_numpy(esn0_db)
        height, width = image.shape[:2]
        flat = torch.from_numpy(features).reshape(1, -1)
        better, gain_db = adapted(
            flat,
            torch.ones_like(flat),
            _pixels(image),
            float(10 ** (-esn0_db[0] / 10)),
            lambda received, n0: self.network.decode(received, n0, chosen, told, height, width),
            steps,
        )
        return better.reshape(features.shape).numpy(), gain_db

    def _features(self, image: NDArray[np.uint8], rate: NDArray[np.int64], esn0_db: NDArray[np.float32]) -> Any:
        chosen = self.network.rates[int(rate[0])]
        flat = self.network.encode(_pixels(image), chosen, torch.from_numpy(esn0_db))
        return flat.reshape(-1, features_per_patch(chosen, self.network.multiple))

    def _picture(
        self,
        features: NDArray[np.float32],
        n0: NDArray[np.float32],
        rate: NDArray[np.int64],
        esn0_db: NDArray[np.float32],
    ) -> Any:
        chosen, multiple = self.network.rates[int(rate[0])], self.network.multiple
        height, width = (multiple * side for side in features.shape[:2])
        count = features_per_patch(chosen, multiple)
        received, level = (
            torch.from_numpy(np.ascontiguousarray(values[:, :, :count])).reshape(1, -1) for values in (features, n0)
        )
        out = self.network.decode(received, level, chosen, torch.from_numpy(esn0_db), height, width)
        return out[0].permute(1, 2, 0)


def _pixels(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255
