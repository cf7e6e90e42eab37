"""On what files of networks that price each patch are traced and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ..onnx.export import Inputs, parity_picture
from .codec import RatedCodec
from .rate_map import ETAS, LEVELS, PATCH

__all__ = ["TRACED", "cases", "free_axes", "heard", "sent"]

TRACED = (96, 160, 8.0)  # no axis of any inner tensor has the length of another by chance


def free_axes() -> tuple[dict[int, Any], dict[int, Any]]:
    """Axes of free length of a picture, and of what there is once a patch.

    `torch.onnx.export` takes them where `torch.export.export` by itself does not: the hyperprior continues its input to
    multiples of 4, and the guards that come of that, which pictures of few patches break, are put off to the run.
    """
    rows, columns = (torch.export.Dim(name, min=1, max=4096) for name in ("rows", "columns"))
    return {0: PATCH * rows, 1: PATCH * columns}, {0: rows, 1: columns}


def cases(
    inputs: Callable[[int, int, float], Inputs], sizes: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, Inputs]]:
    """Names, and inputs of height, width and Es/N0 in dB: 1 and 19 by turns."""
    for index, (height, width) in enumerate(sizes):
        esn0_db = 10.0 - 9.0 * (-1) ** index
        yield f"{height} x {width}, {esn0_db:g} dB", inputs(height, width, esn0_db)


def sent(height: int, width: int, esn0_db: float) -> Inputs:
    """For a transmitter: a picture, and rates of all levels."""
    grid = height // PATCH, width // PATCH
    return {
        "image": parity_picture(height, width),
        "levels": np.arange(grid[0] * grid[1]).reshape(grid) * 7 % len(LEVELS),
        "eta_index": np.array([height % len(ETAS)]),
        "esn0_db": np.array([esn0_db], np.float32),
    }


def heard(codec: RatedCodec[Any, Any], height: int, width: int, esn0_db: float) -> Inputs:
    """For a receiver: what the network sends, after a channel whose noise differs from symbol to symbol."""
    told = sent(height, width, esn0_db)
    features = codec.engine.run("features", **told).reshape(*told["levels"].shape, -1)
    rng = np.random.default_rng([height, width])
    mask = np.arange(LEVELS[-1]) < np.asarray(LEVELS)[told["levels"]][..., None]
    n0 = np.where(mask, 10 ** (-esn0_db / 10) * rng.uniform(0.2, 2.2, features.shape), 1).astype(np.float32)
    noise = mask * np.sqrt(n0 / 2) * rng.standard_normal(features.shape, np.float32)
    return {
        "features": (features + noise).astype(np.float32),
        "n0": n0,
        **{name: told[name] for name in ("levels", "eta_index", "esn0_db")},
    }
