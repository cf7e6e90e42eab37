"""Frames of patches of unequal rate over a channel, while training: power, pairing, noise and fading."""

from __future__ import annotations

import torch
from torch import Tensor

from ..training.frames import Fading, Received, cross

__all__ = ["over_channel"]


def over_channel(
    features: Tensor, mask: Tensor, n0: Tensor, fading: list[Fading], generator: torch.Generator
) -> Received:
    """Send frames whose patches send different counts of values, and equalise them.

    Ranks 2 i and 2 i + 1 of a patch share a symbol; counts are even, so that no symbol is shared by patches.

    Args:
        features: real ``[b, n, 256]``, zero where ``mask`` is.
        mask: ``[b, n, 256]`` of 0 and 1: what is sent. Each frame has unit mean energy over that.
        n0: ``[b]`` noise variance per complex symbol; the mean over fading.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn; on any device.

    Returns:
        Received features in the scale of the sent ones, and for each of them the noise variance per complex symbol of
        unit energy; both ``[b, n, 256]``, unsent ones zero and 1.
    """
    scale = (2 * features.square().sum((1, 2)) / mask.sum((1, 2))).clamp(min=1e-12).sqrt()[:, None, None]
    pairs = (features / scale).reshape(*features.shape[:2], -1, 2)
    x = torch.complex(pairs[..., 0], pairs[..., 1])
    y, variance = (one.reshape(x.shape) for one in cross(x.flatten(1), n0, fading, generator))
    received = torch.stack([y.real, y.imag], -1).flatten(2) * scale * mask
    return received, torch.where(mask > 0, variance.repeat_interleave(2, dim=2), 1.0)
