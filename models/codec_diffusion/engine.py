"""A coder's diffusion receiver in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..codec import Pixels, Role
from ..model_card import ModelCard
from ..objective import Objective
from ..precision import Precision
from ..weights.network import config_of, fill
from .config import CodedDenoiserConfig, CoderName
from .names import DEFAULT, SHIPPED, Variant
from .network import CodecDiffusion, Coded
from .receiver import Receiver

__all__ = ["TorchEngine", "load"]


def load(
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    *,
    role: Role | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
) -> Receiver:
    """Load weights.

    Args:
        variant: Which weights.
        weights: A safetensors file with its card beside it; what is shipped for the variant if not said.
        role: Of no matter: the transmitter has no network.
        device: See `TorchEngine`.
        precision: See there.

    Raises:
        WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
        UsageError: no such weights are shipped.
    """
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    return Receiver(TorchEngine(path, device=device, precision=precision))


class TorchEngine:
    """A trained network.

    Works on one picture at a time: on one machine, with the same number of torch threads, the same input gives the same
    bytes.

    Args:
        path: A safetensors file with its card beside it.
        device: A torch device.
        precision: ``bfloat16`` is faster on GPUs, and on CPUs that have instructions for it.

    Attributes:
        card: What is known of the weights.
        network: With these weights.
        objective: What the network learnt by.
        coder: Whose pictures it learnt to mend.
    """

    card: ModelCard
    network: CodecDiffusion
    objective: Objective
    coder: CoderName

    def __init__(self, path: Path, *, device: str = "cpu", precision: Precision = "float32") -> None:
        self.card, tensors = SHIPPED.load(path)
        self.network = CodecDiffusion(config_of(SHIPPED.system, path, self.card, CodedDenoiserConfig))
        fill(path, self.network, tensors)
        self.network.eval().requires_grad_(requires_grad=False)
        self.network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective, self.coder = self.network.config.objective, self.network.config.coder
        self._device, self._reduced = torch.device(device), precision == "bfloat16"

    @torch.inference_mode()
    def sampled(
        self, picture: Pixels, qp: int, scale_eighths: int, noise: NDArray[np.float32], steps: int, guidance: float
    ) -> NDArray[np.float32]:
        """See `receiver.Engine`."""
        height, width = picture.shape[:2]
        planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].to(self._device).float() / 255
        start = torch.from_numpy(np.ascontiguousarray(noise))[None].to(self._device)
        multiple = self.network.config.unet.unshuffle
        planes, start = (
            F.pad(one, (0, -width % multiple, 0, -height % multiple), mode="replicate") for one in (planes, start)
        )
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._reduced):
            coded = Coded.of(planes, [float(qp)], [scale_eighths])
            made = self.network.sample(coded, start, steps, guidance)
        out: NDArray[np.float32] = made[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
        return out
