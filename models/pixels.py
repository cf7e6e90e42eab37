"""Pictures at the edge of a network: continued to whole patches before it, cut and rounded behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..sim.side_information.image_shape import ImageShape

__all__ = ["padded", "to_pixels"]


def padded(picture: NDArray[np.uint8], multiple: int) -> NDArray[np.uint8]:
    """Continue a picture ``[h, w, 3]`` at its lower and right edge up to multiples of so many pixels."""
    below, right = (-side % multiple for side in picture.shape[:2])
    return np.pad(picture, ((0, below), (0, right), (0, 0)), "edge")


def to_pixels(picture: NDArray[np.float32], shape: ImageShape) -> NDArray[np.uint8]:
    """Cut a picture of 0 to 1 to its size, and clip and round it."""
    cut = picture[: shape.height, : shape.width]
    return np.ascontiguousarray((cut.clip(0, 1) * 255).round().astype(np.uint8))
