"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..training.pictures import Pictures
from .config import TrainConfig
from .constellation import send, told_esn0_db
from .frames import Fading
from .rates import Rate

__all__ = ["validate"]

POINTS: tuple[tuple[Rate, float, Fading], ...] = (
    ("1/48", 10.0, "none"),
    ("1/24", 4.0, "none"),
    ("1/12", 1.0, "none"),
    ("1/12", 10.0, "none"),
    ("1/12", 10.0, "fast"),
    ("1/6", 13.0, "none"),
)
CONSTELLATION_POINTS: tuple[tuple[Rate, float, int], ...] = (
    ("1/24", 10.0, 4),
    ("1/12", 10.0, 2),
    ("1/12", 4.0, 4),
    ("1/12", 10.0, 4),
    ("1/12", 10.0, 6),
    ("1/12", 10.0, 8),
    ("1/6", 20.0, 4),
    ("1/6", 13.0, 8),
)


@torch.no_grad()
def validate(model: Any, weights: dict[str, Tensor], held: Pictures, config: TrainConfig) -> dict[str, float]:
    """Mean PSNR in dB over centre crops of held-out pictures, at a few points of rate, SNR and channel.

    A recipe with constellations is validated on those of them that the points name.
    """
    model.load_state_dict(weights)
    model.eval()
    device = next(model.parameters()).device
    few = np.linspace(0, len(held.pixels) - 1, min(config.validation_pictures, len(held.pixels))).astype(int)
    scores: dict[str, float] = {}
    points: list[tuple[Rate, float, Fading, int | None]] = [(*point, None) for point in POINTS]
    if config.bits_per_symbol:
        points = [(rate, esn0_db, "none", bits) for rate, esn0_db, bits in CONSTELLATION_POINTS]
    for rate, esn0_db, fading, bits in points:
        if rate not in model.rates or bits not in (*config.bits_per_symbol, None):
            continue
        generator = torch.Generator().manual_seed(config.seed)
        psnr = []
        for index in few:
            whole = held.pixels[index]
            height, width = (
                min(config.validation_crop, side) // model.multiple * model.multiple for side in whole.shape[:2]
            )
            if not height or not width:
                continue
            top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
            crop = np.ascontiguousarray(whole[top : top + height, left : left + width].transpose(2, 0, 1))
            image = torch.from_numpy(crop)[None].to(device)
            level = torch.full((1,), esn0_db, device=device)
            told = told_esn0_db(level, bits)
            features = model.encode(image.float() / 255, rate, told)
            received, n0 = send(features, level, [fading], generator, bits, config.softness[1])
            out = model.decode(received, n0, rate, told, height, width)
            error = (out.clamp(0, 1) * 255).round() - image.float()
            psnr.append(10 * np.log10(255**2 / max(float(error.square().mean()), 1e-3)))
        kind = fading if bits is None else f"{2**bits}-QAM"
        scores[f"{rate} {esn0_db:g}dB {kind}"] = float(np.mean(psnr))
    return scores
