"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..training.frames import Fading
from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Scores, mean_psnr_db
from .config import TrainConfig
from .constellation import send, told_esn0_db
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


def validate(run: Run[TrainConfig, Any], model: Any, held: Pictures) -> Scores:
    """Mean PSNR in dB over centre crops of held-out pictures, at a few points of rate, SNR and channel.

    A recipe with constellations is validated on those of them that the points name. The score is the mean of all.
    """
    config = run.config
    points: list[tuple[Rate, float, Fading, int | None]] = [(*point, None) for point in POINTS]
    if config.bits_per_symbol:
        points = [(rate, esn0_db, "none", bits) for rate, esn0_db, bits in CONSTELLATION_POINTS]
    scores: dict[str, float] = {}
    for rate, esn0_db, fading, bits in points:
        if rate not in model.rates or bits not in (*config.bits_per_symbol, None):
            continue
        kind = fading if bits is None else f"{2**bits}-QAM"
        scores[f"{rate} {esn0_db:g}dB {kind}"] = _mean_psnr_db(run, model, held, rate, esn0_db, fading, bits)
    return Scores(float(np.mean(list(scores.values()))), scores)


def _mean_psnr_db(
    run: Run[TrainConfig, Any], model: Any, held: Pictures, rate: Rate, esn0_db: float, fading: Fading, bits: int | None
) -> float:
    softness = run.config.softness[1]

    def link(image: Tensor, level: Tensor, generator: torch.Generator) -> Tensor:
        told = told_esn0_db(level, bits)
        features = model.encode(image, rate, told)
        received, n0 = send(features, level, [fading], generator, bits, softness)
        out: Tensor = model.decode(received, n0, rate, told, *image.shape[2:])
        return out

    return mean_psnr_db(held, run.config, run.device, link, esn0_db=esn0_db, multiple=model.multiple)
