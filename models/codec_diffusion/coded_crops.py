"""Training crops that a slow coder codes once, before the first step."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from torch import Tensor

from ..codec import Pixels
from ..training.pictures import Pictures, crops, draw_places
from .coding import coded_pixels, coder_of
from .config import TrainConfig
from .network import Coded

__all__ = ["coded_crops", "read_coded"]

_STREAM = 41  # of the draws: not the recipe's seed, so that trainings can share a folder


def coded_crops(pictures: Pictures, config: TrainConfig) -> Pictures:
    """Crops of pictures beside what the coder makes of them, as many as ``coded_crops`` says; both cores code.

    Which crop, which QP and which scale hangs on the number of the crop alone: a training that is taken up again has
    the same.

    Args:
        pictures: To cut from, their sides no shorter than ``coded_side``.
        config: The recipe.

    Returns:
        uint8 ``[side, side, 8]`` each: the original's three channels, the decoded picture's, QP, scale in eighths.
    """
    coder, side = coder_of(config), config.coded_side
    said = repr((config.model.coder, coder.preset, config.qp, config.halved_share, side))
    digest = hashlib.blake2b("\n".join([said, *pictures.names]).encode(), digest_size=6).hexdigest()
    folder = Path(config.coded_folder, digest) if config.coded_folder else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)

    def one(number: int) -> Pixels:
        path = folder and folder / f"{number:06d}.npy"
        if path and path.exists():
            kept: Pixels = np.load(path)
            return kept
        rng = np.random.default_rng((_STREAM, number))
        original = crops(pictures, draw_places(pictures, 1, side, rng), side)[0].transpose(1, 2, 0)
        eighths = 4 if rng.random() < config.halved_share else 8
        qp = round(rng.uniform(*config.qp) * 8) / 8  # to a step of vvenc's knob: its slice tells the nearest whole QP
        decoded = coded_pixels(np.ascontiguousarray(original), qp, eighths, coder)
        facts = np.broadcast_to(np.array([round(qp), eighths], np.uint8), (side, side, 2))
        made = np.concatenate([original, decoded, facts], 2)
        if path:
            whole = path.with_suffix(".part.npy")
            np.save(whole, made)
            whole.replace(path)
        return made

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
