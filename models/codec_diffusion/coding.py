"""Training pictures through a coder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...sim.codecs.hevc import Hevc
from ...sim.codecs.scaled import decode_scaled, scaled_sides
from ...sim.codecs.vvc import Vvc
from ...sim.images import fit_image
from ..codec import Pixels
from .config import TrainConfig
from .network import Coded

__all__ = ["coded_images", "coded_pixels", "coder_of"]


def coder_of(config: TrainConfig) -> Hevc | Vvc:
    """The coder whose pictures a recipe trains for."""
    if config.model.coder == "vvc":
        return Vvc(preset=config.preset or "medium", parameter_sets="agreed")
    return Hevc(preset=config.preset or "slow", parameter_sets="agreed")


def coded_images(images: Tensor, qp: Sequence[float], scale_eighths: Sequence[int], coder: Hevc | Vvc) -> Coded:
    """Code images ``[b, 3, h, w]`` in [0, 1] and decode them, each at its QP and scale; on the host.

    Args:
        images: 8-bit values over 255.
        qp: To a step of the coder's knob.
        scale_eighths: 1 to 8.
        coder: See `coder_of`.
    """
    pixels = (images.permute(0, 2, 3, 1).cpu() * 255).round().to(torch.uint8).contiguous().numpy()
    decoded = np.stack([coded_pixels(*one, coder) for one in zip(pixels, qp, scale_eighths, strict=True)])
    planes = torch.from_numpy(decoded).permute(0, 3, 1, 2).contiguous()
    return Coded.of(planes.to(images.device).float() / 255, list(qp), list(scale_eighths))


def coded_pixels(picture: Pixels, qp: float, scale_eighths: int, coder: Hevc | Vvc) -> Pixels:
    """One picture ``[h, w, 3]``, coded and decoded; see `coded_images`."""
    height, width = picture.shape[:2]
    small = fit_image(picture, scaled_sides(height, width, scale_eighths), "stretch")
    return decode_scaled(coder, coder.encode(small, coder.setting_at(qp)), height, width, scale_eighths)
