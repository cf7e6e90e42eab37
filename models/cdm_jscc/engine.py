"""A CDM-JSCC network in torch, behind the names of its exported files."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import UsageError
from ..codec import Role
from ..effective_esn0 import effective_esn0_db_of_sent
from ..model_card import ModelCard
from ..patch_rates.adaptation import adapted_patches
from ..patch_rates.allocation import sent_mask
from ..patch_rates.told import Told
from ..precision import Precision
from ..weights.network import config_of, fill
from .codec import CdmAbout, Codec
from .config import CdmConfig
from .names import DEFAULT, SHIPPED, Variant
from .network import CdmJscc, part_of

__all__ = ["TorchEngine", "load"]


def load(
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    *,
    role: Role | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
) -> Codec:
    """Load weights for both ends.

    Args:
        variant: Which weights.
        weights: A safetensors file with its card beside it; what is shipped for the variant if not said.
        role: Of no matter: one network holds both ends.
        device: See `TorchEngine`.
        precision: See there.

    Raises:
        WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
        UsageError: no such weights are shipped.
    """
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    engine = TorchEngine(path, device=device, precision=precision)
    return Codec(engine, engine.about(variant))


class TorchEngine:
    """A trained network.

    Works on one picture at a time: on one machine, with the same number of torch threads, the same input gives the same
    bytes.

    Args:
        path: A safetensors file with its card beside it.
        device: A torch device.
        precision: Of the receiver. ``bfloat16`` is faster on GPUs, and on CPUs that have instructions for it. The
            transmitter always works in float32: both ends share what it decides.

    Attributes:
        card: What is known of the weights.
        network: With these weights.
    """

    card: ModelCard
    network: CdmJscc

    def __init__(self, path: Path, *, device: str = "cpu", precision: Precision = "float32") -> None:
        self.card, tensors = SHIPPED.load(path, part_of)
        self.network = CdmJscc(config_of(SHIPPED.system, path, self.card, CdmConfig))
        fill(path, self.network, tensors)
        self.network.eval().requires_grad_(requires_grad=False)
        self.network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device, self._reduced = torch.device(device), precision == "bfloat16"
        self._tag = 0
        for name in sorted(name for name in tensors if name.startswith("backbone.")):
            self._tag = zlib.crc32(tensors[name].numpy().tobytes(), self._tag)
        self._seen: tuple[Any, ...] = (None,)

    @property
    def parameters(self) -> int:
        """How many numbers were trained or fitted."""
        return sum(value.numel() for value in self.network.parameters())

    def about(self, variant: Variant) -> CdmAbout:
        """What the codec must know."""
        objective = self.network.config.objective
        return CdmAbout(variant=variant, tag=self._tag & 0xFFFF, objective=objective, weights_sha256=self.card.sha256)

    @torch.inference_mode()
    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Compute ``patch_bits``, ``features`` or ``picture``, see `export.Transmitter` and `export.Receiver`."""
        outputs: dict[str, Callable[..., Any]]
        outputs = {"patch_bits": self._patch_bits, "features": self._features, "picture": self._picture}
        made: NDArray[np.float32] = outputs[output](**inputs).float().cpu().numpy()
        return made

    @torch.inference_mode(mode=False)
    def adapt(
        self, features: NDArray[np.float32], steps: int, *, image: NDArray[np.uint8], **told: NDArray[Any]
    ) -> tuple[NDArray[np.float32], float]:
        """Improve features for the receiver's estimate before its first step of diffusion.

        Raises:
            UsageError: the backbone makes no such estimate.
        """
        backbone, facts = self.network.backbone, self._told(**told)
        if not backbone.has_estimate:
            raise UsageError(
                f"{SHIPPED.system}: adaptation_steps: expected 0 of a network with backbone 'ntc', which makes no "
                f"picture before diffusion, got {steps}"
            )
        return adapted_patches(
            features, image, facts, lambda received, n0: backbone.receive(received, n0, facts).estimate, steps
        )

    def _patch_bits(self, image: NDArray[np.uint8], esn0_db: NDArray[np.float32], **_: NDArray[Any]) -> Any:
        return self._look(image, esn0_db)[2].patch_bits[0]

    def _features(self, image: NDArray[np.uint8], esn0_db: NDArray[np.float32], **told: NDArray[Any]) -> Any:
        pixels, y, _ = self._look(image, esn0_db)
        return self.network.backbone.send(pixels, y, self._told(esn0_db=esn0_db, **told))[0]

    def _look(self, image: NDArray[np.uint8], esn0_db: NDArray[np.float32]) -> tuple[Any, ...]:
        """Return pixels, latents and entropies; they are kept, since both outputs are asked for of the same arrays."""
        if self._seen[0] is not image or self._seen[1] is not esn0_db:
            planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
            pixels = planes.to(self._device).float() / 255
            level = torch.from_numpy(esn0_db).to(self._device)
            self._seen = image, esn0_db, pixels, *self.network.entropy(pixels, level)
        return self._seen[2:]

    def _picture(
        self,
        features: NDArray[np.float32],
        n0: NDArray[np.float32],
        noise: NDArray[np.float32],
        time: NDArray[np.float32],
        guidance: NDArray[np.float32],
        levels: NDArray[np.int64],
        eta_index: NDArray[np.int64],
        esn0_db: NDArray[np.float32],
        **_: NDArray[Any],
    ) -> Any:
        told = self._told(levels, eta_index, esn0_db)
        received, variance = (
            torch.from_numpy(values).flatten(0, 1)[None].to(self._device) for values in (features, n0)
        )
        heard_db = effective_esn0_db_of_sent(variance, sent_mask(told.levels.flatten(1)))
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._reduced):
            understood = self.network.backbone.receive(received, variance, told)
            out: Tensor = understood.estimate
            if guidance[0]:
                start = torch.from_numpy(noise)[None].to(self._device)
                out = self.network.sample(understood, start, told, heard_db, time.size, float(guidance[0]))
        return out[0].permute(1, 2, 0)

    def _told(self, levels: NDArray[np.int64], eta_index: NDArray[np.int64], esn0_db: NDArray[np.float32]) -> Told:
        return Told(
            torch.from_numpy(levels)[None].to(self._device),
            torch.from_numpy(eta_index).to(self._device),
            torch.from_numpy(esn0_db).to(self._device),
        )
