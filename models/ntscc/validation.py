"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..patch_rates.rate_map import PATCH, eta_for_frame
from ..training.frames import Fading
from ..training.pictures import Pictures
from ..training.run import Run
from ..training.validation import Scores, mean_psnr_db
from .config import Phase, TrainConfig
from .network import Ntscc
from .step import link

__all__ = ["validate"]

POINTS: tuple[tuple[str, float, Fading], ...] = (
    ("1/48", 10.0, "none"),
    ("1/24", 4.0, "none"),
    ("1/24", 10.0, "none"),
    ("1/12", 1.0, "none"),
    ("1/12", 10.0, "none"),
    ("1/12", 10.0, "fast"),
    ("1/6", 13.0, "none"),
)


def validate(run: Run[TrainConfig, Ntscc], network: Ntscc, held: Pictures, phase: Phase) -> Scores:
    """Mean PSNR in dB over centre crops of held-out pictures, at a few points of CBR, SNR and channel; and bits.

    The CBR counts payload and coded rate map. The score is the mean of all points; less the bits per pixel, where the
    phase trains nothing but the entropy model.
    """
    bits: list[float] = []
    if phase.trains == ("entropy",):
        _mean_psnr_db(run, network, held, ("1/24", 10.0, "none"), bits)
        return Scores(-float(np.mean(bits)), {"bits per pixel": float(np.mean(bits))})
    scores = {
        f"{cbr} {esn0_db:g}dB {fading}": _mean_psnr_db(run, network, held, (cbr, esn0_db, fading), bits)
        for cbr, esn0_db, fading in POINTS
    }
    return Scores(float(np.mean(list(scores.values()))), {**scores, "bits per pixel": float(np.mean(bits))})


def _mean_psnr_db(
    run: Run[TrainConfig, Ntscc], network: Ntscc, held: Pictures, point: tuple[str, float, Fading], bits: list[float]
) -> float:
    cbr, esn0_db, fading = point

    def over(image: Tensor, level: Tensor, generator: torch.Generator) -> Tensor:
        patch_bits = network.entropy(image, level)[1].patch_bits[0].cpu().numpy()
        pixels = image.shape[2] * image.shape[3]
        bits.append(float(patch_bits.sum()) / pixels)
        eta = eta_for_frame(patch_bits, 3 * pixels / int(cbr.removeprefix("1/")))
        return link(network, image, level.new_tensor([eta]), level, [fading], generator).picture

    return mean_psnr_db(held, run.config, run.device, over, esn0_db=esn0_db, multiple=PATCH)
