"""RGB to YCbCr and back with more than 8 bits: what the coder sees is rounded once, and the bits go to the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["rgb_to_ycbcr", "ycbcr_to_rgb"]

_FORWARD = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ],
    np.float32,
)
_INVERSE = np.linalg.inv(_FORWARD.astype(np.float64)).astype(np.float32)
_ROWS = 128  # at a time: a picture of 4096 x 4096 would take 200 MB a copy in float32


def rgb_to_ycbcr(picture: NDArray[np.uint8], bit_depth: int) -> NDArray[np.uint16]:
    r"""Convert to full-range YCbCr of BT.601.

    .. math:: Y = 0.299 R + 0.587 G + 0.114 B, \quad C_b = \frac{B - Y}{1.772}, \quad C_r = \frac{R - Y}{1.402}

    Args:
        picture: uint8 sRGB ``[H, W, 3]``.
        bit_depth: Of the result; values are scaled by a power of two, Cb and Cr have their zero at half the range.

    Returns:
        uint16 ``[3, H, W]``.

    Source: ITU-R BT.601-7, section 2.5.1; the full range is that of JFIF.
    """
    height, width = picture.shape[:2]
    planes = np.empty((3, height, width), np.uint16)
    gain, top = 2.0 ** (bit_depth - 8), 2**bit_depth - 1
    zero = np.array([0, 128, 128], np.float32)
    for row in range(0, height, _ROWS):
        strip = (picture[row : row + _ROWS].astype(np.float32) @ _FORWARD.T + zero) * gain
        planes[:, row : row + _ROWS] = np.moveaxis(np.clip(np.rint(strip), 0, top), -1, 0)
    return planes


def ycbcr_to_rgb(planes: NDArray[np.uint16], bit_depth: int) -> NDArray[np.uint8]:
    """Undo `rgb_to_ycbcr`, rounded and clipped.

    Args:
        planes: uint16 ``[3, H, W]``.
        bit_depth: Of the planes.

    Returns:
        uint8 sRGB ``[H, W, 3]``.
    """
    _, height, width = planes.shape
    picture = np.empty((height, width, 3), np.uint8)
    gain = np.float32(2.0 ** (8 - bit_depth))
    zero = np.array([0, 128, 128], np.float32)
    for row in range(0, height, _ROWS):
        strip = np.moveaxis(planes[:, row : row + _ROWS], 0, -1).astype(np.float32) * gain - zero
        picture[row : row + _ROWS] = np.clip(np.rint(strip @ _INVERSE.T), 0, 255)
    return picture
