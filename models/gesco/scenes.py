"""Scenes to train on: pictures with their label maps, drawn by the project, or from two folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...sim.label_maps.scenes import CLASSES, TRAINING, draw_scene
from ..training.pictures import Pictures
from .config import TrainConfig

__all__ = ["read_scenes"]

_HELD = 10  # one scene of so many


def read_scenes(data: Path, config: TrainConfig) -> tuple[Pictures, Pictures]:
    """Scenes for training and for validation: uint8 ``[H, W, 5]``, a picture, its classes and its edges.

    Args:
        data: ``builtin:scenes``, drawn in the size of the largest crop.
        config: The recipe.

    Raises:
        UsageError: the data are others, or the network has not their classes.
    """
    if str(data) != "builtin:scenes":
        raise UsageError(f"{data}: expected builtin:scenes; GESCO is trained on pictures with label maps")
    if config.model.classes != len(CLASSES):
        raise UsageError(f"model.classes: expected {len(CLASSES)} for builtin:scenes, got {config.model.classes}")
    side = max(phase.crop for phase in config.phases)
    held = range(TRAINING - -(-config.scenes // _HELD), TRAINING)
    return _drawn(range(TRAINING, TRAINING + config.scenes), side), _drawn(held, side)


def _drawn(numbers: Sequence[int], side: int) -> Pictures:
    pixels: list[NDArray[np.uint8]] = []
    for number in numbers:
        scene = draw_scene(number, side, side)
        pixels.append(np.concatenate([scene.picture, scene.labels], 2))
    return Pictures([f"scene-{number}" for number in numbers], pixels, np.full(len(pixels), 1 / len(pixels)))
