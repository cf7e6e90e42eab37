"""Training crops that a slow coder codes once, before the first step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from torch import Tensor

from ...sim.codecs.rate_search import FileMemo, picture_digest
from ..codec import Pixels
from ..training.pictures import Pictures, crops, draw_places
from .coding import coded_pixels, coder_of
from .config import TrainConfig
from .network import Coded

__all__ = ["coded_crops", "read_coded"]

_STREAM = 41  # of the draws: not the recipe's seed, so that trainings can share what is kept


def coded_crops(pictures: Pictures, config: TrainConfig) -> Pictures:
    """Crops of pictures beside what the coder makes of them, as many as ``coded_crops`` says; both cores code.

    Which crop, which QP and which scale hangs on the number of the crop alone: a training that is taken up again has
    the same.

    Args:
        pictures: To cut from, their sides no shorter than ``coded_side``.
        config: The recipe.

    Returns:
        uint8 ``[side, side, 8]`` each: the original's three channels, the decoded picture's, QP, scale in eighths.

    Raises:
        UsageError: ``coded_folder`` cannot be written.
    """
    coder, side = coder_of(config), config.coded_side
    kept = FileMemo(0)
    if config.coded_folder:
        kept = FileMemo(0, Path(config.coded_folder), coder.version())

    def one(number: int) -> Pixels:
        rng = np.random.default_rng((_STREAM, number))
        original = crops(pictures, draw_places(pictures, 1, side, rng), side)[0].transpose(1, 2, 0)
        original = np.ascontiguousarray(original)
        eighths = 4 if rng.random() < config.halved_share else 8
        qp = round(rng.uniform(*config.qp) * 8) / 8  # to a step of vvenc's knob: its slice tells the nearest whole QP
        decoded = kept.get(
            picture_digest(original),
            f"{coder!r}, {eighths}/8, decoded",
            coder.setting_at(qp),
            lambda: coded_pixels(original, qp, eighths, coder).tobytes(),
        )
        facts = np.broadcast_to(np.array([round(qp), eighths], np.uint8), (side, side, 2))
        return np.concatenate([original, np.frombuffer(decoded, np.uint8).reshape(original.shape), facts], 2)

    count = config.coded_crops or 0
    with ThreadPoolExecutor() as threads:
        pixels = list(threads.map(one, range(count)))
    return Pictures([f"coded_{number:06d}" for number in range(count)], pixels, np.full(count, 1 / count))


def read_coded(drawn: Tensor) -> tuple[Tensor, Coded]:
    """Originals ``[b, 3, h, w]`` in [0, 1], and what a coder made of them.

    Args:
        drawn: Of such crops, over 255.
    """
    facts = (drawn[:, 6:, 0, 0] * 255).round()
    qp, eighths = facts[:, 0].tolist(), [round(one) for one in facts[:, 1].tolist()]
    return drawn[:, :3].contiguous(), Coded.of(drawn[:, 3:6].contiguous(), qp, eighths)
