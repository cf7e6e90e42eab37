"""Structural similarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pair import check_pair, strips

__all__ = ["SMALLEST_SIDE", "ssim"]

SMALLEST_SIDE = 11  # the window


def ssim(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    """SSIM of Wang et al. 2004: Gaussian window of 11 x 11 with sigma 1.5, range 255, mean over R, G and B.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: uint8 ``[H, W, 3]``.

    Raises:
        SignalError: The pictures are not uint8 ``[H, W, 3]`` of one shape, or a side is shorter than 11.

    Source: Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13(4), 2004.
    """
    from skimage.metrics import structural_similarity

    check_pair("ssim", sent, received, SMALLEST_SIDE)
    means = [
        (
            rows,
            structural_similarity(
                sent[strip],
                received[strip],
                channel_axis=2,
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            ),
        )
        for strip, rows in strips(sent.shape[0], SMALLEST_SIDE)
    ]
    return float(sum(rows * mean for rows, mean in means) / sum(rows for rows, _ in means))
