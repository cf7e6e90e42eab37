"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..training.frames import Fading
from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Scores, mean_psnr_db
from .config import TrainConfig
from .names import Rate
from .network import SwinJscc
from .step import link

__all__ = ["validate"]

POINTS: tuple[tuple[Rate, float, Fading], ...] = (
    ("1/96", 10.0, "none"),
    ("1/48", 10.0, "none"),
    ("1/24", 4.0, "none"),
    ("1/24", 10.0, "none"),
    ("1/12", 1.0, "none"),
    ("1/12", 10.0, "none"),
    ("1/12", 10.0, "fast"),
    ("1/6", 13.0, "none"),
)


def validate(run: Run[TrainConfig, SwinJscc], network: SwinJscc, held: Pictures) -> Scores:
    """Mean PSNR in dB over centre crops of held-out pictures, at a few points of rate, SNR and channel.

    The score is the mean of all points whose rate the network has; of a network that has none of these rates, of each
    of its own at 10 dB.
    """
    rates = network.config.rates
    points = [point for point in POINTS if point[0] in rates] or [(rate, 10.0, "none") for rate in rates]
    scores = {
        f"{rate} {esn0_db:g}dB {fading}": _mean_psnr_db(run, network, held, rate, esn0_db, fading)
        for rate, esn0_db, fading in points
    }
    return Scores(float(np.mean(list(scores.values()))), scores)


def _mean_psnr_db(
    run: Run[TrainConfig, SwinJscc], network: SwinJscc, held: Pictures, rate: Rate, esn0_db: float, fading: Fading
) -> float:
    def over(image: Tensor, level: Tensor, generator: torch.Generator) -> Tensor:
        return link(network, image, rate, level, [fading], generator)[0]

    return mean_psnr_db(held, run.config, run.device, over, esn0_db=esn0_db, multiple=network.config.stride)
