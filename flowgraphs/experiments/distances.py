"""Distances of two pictures by name, and of every pair of many."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError, UsageError
from ...sim.metrics import ms_ssim, ssim

__all__ = ["DistanceName", "PictureDistance", "check_distance", "open_distance", "squared_error"]

DistanceName = Literal["ms-ssim", "ssim", "mse", "squeezenet", "lpips-vgg"]
"""``ms-ssim`` and ``ssim``: 1 less the similarity; ``mse``: of values in [0, 1]; the others need weights."""

NETWORKS = ("squeezenet", "lpips-vgg")
PIXELS_AT_ONCE = 1 << 20  # of pictures whose features are held, twice: some 160 bytes a value of the deepest network

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class PictureDistance:
    """A distance of two pictures, uint8 ``[H, W, 3]`` of one shape: 0 for equal ones, larger is farther, symmetric.

    Attributes:
        name: Of the distance.
        smallest_side: Pixels that a side must have.
        prepare: Of a picture, what can be computed without the other.
        between: Of two that are prepared.
    """

    name: DistanceName
    smallest_side: int
    prepare: Callable[[Pixels], Any]
    between: Callable[[Any, Any], float]

    def of(self, one: Pixels, other: Pixels) -> float:
        """The distance of two pictures.

        Raises:
            SignalError: they differ in shape, or are too small.
        """
        self._check([one, other])
        return self.between(self.prepare(one), self.prepare(other))

    def of_pairs(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        """The distances of every pair, in the order of ``itertools.combinations``: n (n - 1) / 2 of n pictures.

        What can be computed without the other picture is held of a few pictures at a time, which bounds the memory.

        Raises:
            SignalError: they differ in shape, or are too small.
        """
        self._check(pictures)
        count = len(pictures)
        found = np.zeros((count, count))
        at_once = max(1, PIXELS_AT_ONCE // max(1, pictures[0].size // 3)) if count else 1
        for first in range(0, count, at_once):
            rows = [self.prepare(picture) for picture in pictures[first : first + at_once]]
            for start in range(first, count, at_once):
                columns = rows if start == first else [self.prepare(p) for p in pictures[start : start + at_once]]
                for (i, one), (j, other) in itertools.product(enumerate(rows, first), enumerate(columns, start)):
                    if i < j:
                        found[i, j] = self.between(one, other)
        return found[np.triu_indices(count, 1)]

    def _check(self, pictures: Sequence[Pixels]) -> None:
        shapes = {picture.shape for picture in pictures}
        if len(shapes) > 1:
            raise SignalError(f"distance {self.name}: expected pictures of one shape, got {sorted(shapes)}")
        for height, width, _ in shapes:
            if min(height, width) < self.smallest_side:
                raise SignalError(
                    f"distance {self.name}: expected at least {self.smallest_side} pixels in height and width, got "
                    f"{height} x {width}; send larger pictures, or choose --distance mse"
                )


def check_distance(name: str, weights: Path | None) -> DistanceName:
    """See that a distance can be opened, before anything runs.

    Raises:
        UsageError: no such distance, it needs weights and none are given, or it takes none.
        WeightsError: the file is missing or another.
        MissingExtra: torch is not installed.
    """
    names = get_args(DistanceName)
    if name not in names:
        known = "; lpips-vgg is LPIPS, with weights of your own" if name.startswith("lpips") else ""
        raise UsageError(f"--distance {name}: expected one of {', '.join(names)}{known}")
    if name not in NETWORKS and weights is not None:
        raise UsageError(f"--weights {weights}: --distance {name} takes none; leave it out, or choose a network's")
    if name in NETWORKS and weights is None:
        kind = "SqueezeNet v1.0 as an npz file" if name == "squeezenet" else "torchvision's VGG16 as a state dict"
        raise UsageError(f"--distance {name}: needs weights and ships none: give the path of {kind} as --weights FILE")
    opened = open_distance(name, "" if weights is None else str(weights))
    return opened.name


@lru_cache(maxsize=2)  # a worker keeps the network from task to task
def open_distance(name: DistanceName, weights: str = "") -> PictureDistance:
    """Load a distance.

    Args:
        name: Which.
        weights: Of its network: SqueezeNet v1.0 as npz, or torchvision's VGG16 as a state dict.

    Raises:
        WeightsError: the file is missing or another.
        MissingExtra: torch is not installed.
    """
    if name == "mse":
        return PictureDistance(name, 1, _as_is, lambda a, b: squared_error(a, b) / 255**2)
    if name == "ssim":
        return PictureDistance(name, ssim.SMALLEST_SIDE, _as_is, lambda a, b: 1 - ssim.ssim(a, b))
    if name == "ms-ssim":
        return PictureDistance(name, ms_ssim.SMALLEST_SIDE, _as_is, lambda a, b: 1 - ms_ssim.ms_ssim(a, b))
    try:
        import torch

        from ...models.perceptual import lpips, squeezenet
    except ImportError as error:
        raise MissingExtra(f"--distance {name}", error.name or "torch", "models") from None
    network: squeezenet.SqueezeNetDistance | lpips.Lpips
    if name == "squeezenet":
        smallest, network = squeezenet.SMALLEST_SIDE, squeezenet.SqueezeNetDistance(Path(weights))
    else:
        smallest, network = lpips.SMALLEST_SIDE, lpips.Lpips(Path(weights))

    def prepare(picture: Pixels) -> list[torch.Tensor]:
        with torch.inference_mode():
            values = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
            return network.unit_features(values)

    def between(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
        with torch.inference_mode():
            return float(network.apart(one, other))

    return PictureDistance(name, smallest, prepare, between)


def squared_error(one: Pixels, other: Pixels) -> float:
    """Mean squared error of two pictures, in squared steps of 255."""
    error = one.astype(np.int32) - other
    return float(np.sum(error * error, dtype=np.int64)) / error.size


def _as_is(picture: Pixels) -> Pixels:
    return picture
