"""Inputs with which exported files of a `RatedCodec` and its network are compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..onnx.export import Inputs, parity_picture
from .rate_map import ETAS, LEVELS, PATCH
from .rated import RatedCodec

__all__ = ["TRACED", "received", "sent"]

TRACED = (96, 160, 8.0)  # no axis of any inner tensor has the length of another by chance


def sent(height: int, width: int, esn0_db: float) -> Inputs:
    """A picture, and rates of all levels."""
    grid = height // PATCH, width // PATCH
    return {
        "image": parity_picture(height, width),
        "levels": np.arange(grid[0] * grid[1]).reshape(grid) * 7 % len(LEVELS),
        "eta_index": np.array([height % len(ETAS)]),
        "esn0_db": np.array([esn0_db], np.float32),
    }


def received(codec: RatedCodec[Any, Any], height: int, width: int, esn0_db: float) -> Inputs:
    """What the network sends, after a channel whose noise differs from symbol to symbol."""
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
