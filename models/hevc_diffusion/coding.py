"""Training pictures through HEVC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...sim.codecs.hevc import QP_STEPS, Hevc
from ...sim.codecs.scaled import decode_scaled, scaled_sides
from ...sim.images import fit_image
from ..codec import Pixels
from .network import Coded

__all__ = ["coded_images"]


def coded_images(images: Tensor, qp: Sequence[float], scale_eighths: Sequence[int], preset: str) -> Coded:
    """Code images ``[b, 3, h, w]`` in [0, 1] and decode them, each at its QP and scale; on the host.

    Args:
        images: 8-bit values over 255.
        qp: To a sixteenth.
        scale_eighths: 1 to 8.
        preset: Of x265.
    """
    codec = Hevc(preset=preset, parameter_sets="agreed")
    pixels = (images.permute(0, 2, 3, 1).cpu() * 255).round().to(torch.uint8).contiguous().numpy()
    settings = [round((51 - one) * QP_STEPS) for one in qp]
    decoded = np.stack([_through(codec, *one) for one in zip(pixels, settings, scale_eighths, strict=True)])
    planes = torch.from_numpy(decoded).permute(0, 3, 1, 2).contiguous().to(images.device).float() / 255
    return Coded.of(planes, [51 - setting / QP_STEPS for setting in settings], list(scale_eighths))


def _through(codec: Hevc, picture: Pixels, setting: int, scale_eighths: int) -> Pixels:
    height, width = picture.shape[:2]
    small = fit_image(picture, scaled_sides(height, width, scale_eighths), "stretch")
    return decode_scaled(codec, codec.encode(small, setting), height, width, scale_eighths)
