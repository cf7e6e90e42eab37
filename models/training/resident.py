"""Training pictures that lie on a device as a whole, and crops that are gathered there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .to_device import to_device

__all__ = ["Resident"]


class Resident:
    """Pictures as one list of pixels.

    Args:
        pixels: uint8 ``[H, W, channels]`` each, of one number of channels.
        device: Where they lie from now on.
    """

    def __init__(self, pixels: Sequence[NDArray[np.uint8]], device: torch.device) -> None:
        self._device = device
        self._widths = np.array([one.shape[1] for one in pixels])
        counts = np.array([one.shape[0] * one.shape[1] for one in pixels])
        self._starts = np.concatenate([[0], counts.cumsum()])[:-1]
        self._pixels = torch.empty(int(counts.sum()), pixels[0].shape[2], dtype=torch.uint8, device=device)
        for start, count, one in zip(self._starts, counts, pixels, strict=True):
            whole = torch.from_numpy(one).reshape(count, -1)
            self._pixels[int(start) : int(start + count)].copy_(whole)

    def cut(self, places: NDArray[np.int64], side: int) -> Tensor:
        """Crops at places, as `pictures.crops` cuts them: uint8 ``[count, channels, side, side]``, channels last.

        Args:
            places: int64 ``[count, 4]``: number of the picture, top, left, and 1 where the crop is mirrored.
            side: Of the crops.
        """
        number, top, left, mirrored = places.T
        width = self._widths[number]
        first = self._starts[number] + top * width + left + mirrored * (side - 1)  # pixel in the upper left
        told: Any = to_device(np.stack([first, width, 1 - 2 * mirrored]), self._device)
        corner, row, column = told[:, :, None, None]
        reach = torch.arange(side, device=self._device)
        where = corner + row * reach[:, None] + column * reach  # [count, side, side]
        return self._pixels[where].permute(0, 3, 1, 2)
