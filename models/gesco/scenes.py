"""Scenes to train on: pictures with their label maps, drawn by the project, or from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...sim.images import fit_image, image_files, read_image
from ...sim.label_maps.legend import read_legend
from ...sim.label_maps.read import read_label_map
from ...sim.label_maps.scenes import CLASSES, TRAINING, draw_scene
from ..training.pictures import Pictures
from .config import TrainConfig

__all__ = ["read_scenes"]

_HELD = 10  # one scene of so many
Pixels = NDArray[np.uint8]


def read_scenes(data: Path, config: TrainConfig) -> tuple[Pictures, Pictures]:
    """Scenes for training and for validation: uint8 ``[H, W, 5]``, a picture, its classes and its edges.

    Args:
        data: ``builtin:scenes``, drawn in the size of the largest crop; or a folder with the folders ``labels`` and
            ``pictures``, perhaps also ``instances``, whose files go together in natural order: every tenth is held out.
        config: The recipe.

    Raises:
        UsageError: the data are others, or the network has not their classes.
        InputError: a file cannot be read, or has a class that the legend has not.
    """
    drawn = str(data) == "builtin:scenes"
    classes = len(CLASSES) if drawn else len(read_legend(config.legend).classes)
    if config.model.classes != classes:
        where = "builtin:scenes" if drawn else f"the legend {config.legend}"
        raise UsageError(f"model.classes: expected {classes} for {where}, got {config.model.classes}")
    least = max(phase.crop for phase in config.phases)
    if drawn:
        held = range(TRAINING - -(-config.scenes // _HELD), TRAINING)
        return _drawn(range(TRAINING, TRAINING + config.scenes), least), _drawn(held, least)
    return _of_folder(data, config, least)


def _drawn(numbers: Sequence[int], side: int) -> Pictures:
    scenes = (draw_scene(number, side, side) for number in numbers)
    return _together([f"scene-{number}" for number in numbers], [np.concatenate(scene, 2) for scene in scenes])


def _of_folder(data: Path, config: TrainConfig, least: int) -> tuple[Pictures, Pictures]:
    if not (data / "labels").is_dir() or not (data / "pictures").is_dir():
        raise UsageError(
            f"{data}: expected builtin:scenes, or a folder with the folders labels and pictures, found none"
        )
    maps, pictures = (image_files(str(data / name)) for name in ("labels", "pictures"))
    things: list[Path | None] = [None] * len(maps)
    if (data / "instances").is_dir():
        things = [*image_files(str(data / "instances"))]
    if len(maps) < 2 or {len(pictures), len(things)} != {len(maps)}:
        raise UsageError(
            f"{data}: expected two label maps or more and as many pictures and instances, got {len(maps)}, "
            f"{len(pictures)} and {len(things)}"
        )
    legend, scenes = read_legend(config.legend), []
    for file, picture_file, instances in zip(maps, pictures, things, strict=True):
        labels = read_label_map(file, legend, instances=instances, size=config.size)
        if min(labels.shape[:2]) < least:
            raise UsageError(f"{file}: expected at least {least} pixels a side, the crop of the recipe, got less")
        picture = fit_image(read_image(picture_file), labels.shape[:2], "stretch")
        scenes.append(np.concatenate([picture, labels], 2))
    names = [file.stem for file in maps]
    held = [*range(_HELD - 1, len(maps), _HELD)] or [len(maps) - 1]
    shown = [index for index in range(len(maps)) if index not in held]
    return _chosen(names, scenes, shown), _chosen(names, scenes, held)


def _chosen(names: list[str], scenes: list[Pixels], indices: list[int]) -> Pictures:
    return _together([names[index] for index in indices], [scenes[index] for index in indices])


def _together(names: list[str], scenes: list[Pixels]) -> Pictures:
    return Pictures(names, scenes, np.full(len(scenes), 1 / len(scenes)))
