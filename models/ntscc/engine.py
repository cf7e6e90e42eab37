"""An NTSCC network in torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..codec import Role
from ..patch_rates.adaptation import adapted_patches
from ..patch_rates.told import Told
from ..weights.network import config_of, fill
from .codec import Codec, NtsccAbout
from .config import NtsccConfig
from .names import DEFAULT, SHIPPED, Variant
from .network import Ntscc

__all__ = ["TorchEngine", "load"]


def load(
    variant: Variant = DEFAULT, weights: str | Path | None = None, *, role: Role | None = None, device: str = "cpu"
) -> Codec:
    """Load weights for both ends.

    Args:
        variant: What the header calls them.
        weights: A safetensors file with its card beside it; what is shipped for the variant if not said.
        role: Of no matter: one network holds both ends.
        device: Where it runs.

    Raises:
        WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
        UsageError: none are given, and none are shipped for this variant.
    """
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    card, tensors = SHIPPED.load(path)
    network = Ntscc(config_of(SHIPPED.system, path, card, NtsccConfig))
    fill(path, network, tensors)
    return Codec(TorchEngine(network, device), NtsccAbout(variant=variant, weights_sha256=card.sha256))


class TorchEngine:
    """A trained network, in float32, one picture at a time.

    With the same number of torch threads the same input gives the same bytes.

    Args:
        network: With its weights.
        device: Where it runs.
    """

    def __init__(self, network: Ntscc, device: str = "cpu") -> None:
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = torch.device(device)
        self._seen: tuple[Any, ...] = (None,)

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute ``patch_bits``, ``features`` or ``picture``, see `Codec.ports`."""
        outputs: dict[str, Callable[..., Tensor]]
        outputs = {"patch_bits": self._patch_bits, "features": self._features, "picture": self._picture}
        made: NDArray[np.float32] = outputs[output](**inputs).float().cpu().numpy()
        return made

    @torch.inference_mode(mode=False)
    def adapt(
        self, features: NDArray[np.float32], steps: int, *, image: NDArray[np.uint8], **told: NDArray[Any]
    ) -> tuple[NDArray[np.float32], float]:
        """Improve features for the receiver's picture."""
        facts = self._told(**told)
        return adapted_patches(
            features, image, facts, lambda received, n0: self.network.receive(received, n0, facts), steps
        )

    def _patch_bits(self, image: NDArray[np.uint8], esn0_db: NDArray[np.float32], **_: NDArray[Any]) -> Tensor:
        y = self._look(image, esn0_db)
        return self.network.prior(y).patch_bits[0]  # type: ignore[no-any-return]

    def _features(self, image: NDArray[np.uint8], esn0_db: NDArray[np.float32], **told: NDArray[Any]) -> Tensor:
        return self.network.send(self._look(image, esn0_db), self._told(esn0_db=esn0_db, **told))[0]

    def _look(self, image: NDArray[np.uint8], esn0_db: NDArray[np.float32]) -> Tensor:
        """Return latents; they are kept, since both outputs are asked for of the same arrays."""
        if self._seen[0] is not image or self._seen[1] is not esn0_db:
            planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
            pixels = planes.to(self._device).float() / 255
            y = self.network.latents(pixels, torch.from_numpy(esn0_db).to(self._device))
            self._seen = image, esn0_db, y
        out: Tensor = self._seen[2]
        return out

    def _picture(self, features: NDArray[np.float32], n0: NDArray[np.float32], **told: NDArray[Any]) -> Tensor:
        received, variance = (
            torch.from_numpy(values).flatten(0, 1)[None].to(self._device) for values in (features, n0)
        )
        return self.network.receive(received, variance, self._told(**told))[0].permute(1, 2, 0)

    def _told(self, levels: NDArray[np.int64], eta_index: NDArray[np.int64], esn0_db: NDArray[np.float32]) -> Told:
        return Told(
            torch.from_numpy(levels)[None].to(self._device),
            torch.from_numpy(eta_index).to(self._device),
            torch.from_numpy(esn0_db).to(self._device),
        )
