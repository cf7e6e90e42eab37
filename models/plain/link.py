"""A plain network over a channel, while training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..training.frames import Fading, over_channel
from .engine import PlainNetwork

__all__ = ["link"]


def link(
    network: PlainNetwork, images: Tensor, esn0_db: Tensor, generator: torch.Generator, fading: Sequence[Fading] = ()
) -> Tensor:
    """Send images and return what comes out, differentiable.

    Args:
        network: Both ends.
        images: ``[b, 3, h, w]`` in [0, 1], sides multiples of the patch; each is one frame of unit power.
        esn0_db: Es/N0 in dB ``[b]``; the mean over fading.
        generator: Where noise and gains are drawn.
        fading: The channel of each frame; AWGN if not said.
    """
    features = network.encode(images)
    channels: list[Fading] = list(fading) or ["none"] * len(images)
    received, n0 = over_channel(features.flatten(1), 10 ** (-esn0_db / 10), channels, generator)
    return network.decode(received.reshape(features.shape), n0.reshape(features.shape))
