"""Training pictures: read once into memory, split by file, cropped by a seeded stream."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...errors import InputError, UsageError
from ...sim.images import image_files
from .recipe import Recipe
from .resident import Resident

__all__ = ["Pictures", "Pixels", "crops", "draw_images", "draw_places", "prefix_of", "read_pictures", "split_by_file"]

SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures in memory and how often each is drawn."""

    names: list[str]
    pixels: list[Pixels]
    weights: NDArray[np.float64]
    _residents: dict[torch.device, Resident] = field(default_factory=dict, init=False, repr=False)

    def on(self, device: torch.device) -> Resident:
        """All of them on a device; copied there at the first call."""
        if device not in self._residents:
            self._residents[device] = Resident(self.pixels, device)
        return self._residents[device]


def prefix_of(name: str) -> str:
    """What stands before the last underscore of a file's name: ``clic_012.webp`` is a ``clic``."""
    return Path(name).stem.rpartition("_")[0]


def split_by_file(names: list[str], split_like: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Every tenth file of each prefix is held out, so that no crop of a training picture is ever validated on.

    Args:
        names: Names of files.
        split_like: A prefix that shows the same pictures, number by number, as another prefix follows its split.

    Returns:
        Names for training and names for validation.
    """
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(names):
        prefix = prefix_of(name)
        groups[split_like.get(prefix, prefix)][Path(name).stem.rpartition("_")[2]].append(name)
    train: list[str] = []
    held: list[str] = []
    for pictures in groups.values():
        for index, same in enumerate(pictures[number] for number in sorted(pictures)):
            (held if index % 10 == 9 else train).extend(same)
    return sorted(train), sorted(held)


def read_pictures(data: Path, config: Recipe) -> tuple[Pictures, Pictures]:
    """Read photographs for training and validation.

    Args:
        data: A folder, or ``builtin:photos``. Of pictures so few that none would be held out the last is.
        config: The recipe.

    Raises:
        UsageError: the folder is missing or has too few pictures to split.
        InputError: a picture cannot be read.
    """
    if str(data).startswith("builtin:"):
        files = {path.name: path for path in image_files(str(data))}
    elif data.is_dir():
        files = {path.name: path for path in data.iterdir() if path.suffix.lower() in SUFFIXES}
    else:
        raise UsageError(f"{data}: expected a folder of training pictures, or builtin:photos, found none")
    train, held = split_by_file(list(files), config.split_like)
    if not held:
        train, held = train[:-1], train[-1:]
    if not train:
        raise UsageError(f"{data}: expected two pictures or more, one of them to be held out, got {len(files)}")
    least = max([phase.crop for phase in config.phases])
    return _read(files, train, config, least), _read(files, held, config, 1)


def _read(files: Mapping[str, Path], names: list[str], config: Recipe, least: int) -> Pictures:
    with ThreadPoolExecutor() as threads:
        pixels = list(threads.map(lambda name: _pixels_of(files[name], name, config, least), names))
    weights = np.array([config.picture_weights.get(prefix_of(name), 1.0) for name in names])
    return Pictures(names, pixels, weights / weights.sum())


def _pixels_of(path: Path, name: str, config: Recipe, least: int) -> Pixels:
    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a picture: {error}") from error
    if prefix_of(name) in config.halve:
        image = image.reduce(2)
    array = np.asarray(image)
    missing = [max(0, least - side) for side in array.shape[:2]]
    if any(missing):  # a picture smaller than a crop is mirrored at its lower and right edge
        array = np.pad(array, ((0, missing[0]), (0, missing[1]), (0, 0)), "symmetric")
    return np.array(array, order="C")


def draw_places(pictures: Pictures, count: int, side: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Where crops are cut, half of them mirrored: int64 ``[count, 4]``: number of the picture, top, left, mirrored."""
    places = np.empty((count, 4), np.int64)
    for n, index in enumerate(rng.choice(len(pictures.pixels), size=count, p=pictures.weights)):
        height, width = pictures.pixels[index].shape[:2]
        places[n] = index, rng.integers(0, height - side + 1), rng.integers(0, width - side + 1), rng.integers(2)
    return places


def crops(pictures: Pictures, places: NDArray[np.int64], side: int) -> Pixels:
    """Crops at places: uint8 ``[count, 3, side, side]``, or as many channels as there are."""
    out = np.empty((len(places), pictures.pixels[0].shape[2], side, side), np.uint8)
    for n, (index, top, left, mirrored) in enumerate(places):
        crop = pictures.pixels[index][top : top + side, left : left + side]
        out[n] = (crop[:, ::-1] if mirrored else crop).transpose(2, 0, 1)
    return out


def draw_images(pictures: Pictures, count: int, side: int, rng: np.random.Generator, device: torch.device) -> Tensor:
    """Random crops: float32 ``[count, 3, side, side]`` in [0, 1], the same on every device.

    A GPU holds all pictures from the first call on and cuts them itself; it is told where.
    """
    places = draw_places(pictures, count, side, rng)
    on_host = device.type == "cpu"
    found = torch.from_numpy(crops(pictures, places, side)) if on_host else pictures.on(device).cut(places, side)
    return found.float() / 255
