"""Online adaptation of frames whose patches send different counts of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..online_adaptation import adapted
from .allocation import sent_mask
from .told import Told

__all__ = ["adapted_patches"]


def adapted_patches(
    features: NDArray[np.float32],
    image: NDArray[np.uint8],
    told: Told,
    receive: Callable[[Tensor, Tensor], Tensor],
    steps: int,
) -> tuple[NDArray[np.float32], float]:
    """Return features that the receiver makes a better picture of, and the gain in dB.

    Args:
        features: float32 ``[n, 256]``, of which each patch sends what its level says.
        image: uint8 ``[H, W, 3]``: what the receiver should make of them.
        told: What both ends know of the frame; of a batch of one, on the network's device.
        receive: See `online_adaptation.adapted`.
        steps: See there.
    """
    device = told.levels.device
    mask = sent_mask(told.levels.flatten(1))
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].to(device).float() / 255
    n0 = float(10 ** (-told.esn0_db / 10))
    better, gain_db = adapted(torch.from_numpy(features)[None].to(device) * mask, mask, pixels, n0, receive, steps)
    made: NDArray[Any] = better[0].cpu().numpy()
    return made, gain_db
