"""Frames of patches of unequal rate over a channel, while training: power, pairing, noise and fading."""

from __future__ import annotations

import torch
from torch import Tensor

from ...sim.channels.awgn import awgn
from ...sim.channels.equalizer import mmse
from ...sim.channels.rayleigh import rayleigh
from ..training.frames import Fading, Received

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
        generator: Where noise and gains are drawn (on the CPU, so that a run does not depend on the device).

    Returns:
        Received features in the scale of the sent ones, and for each of them the noise variance per complex symbol of
        unit energy; both ``[b, n, 256]``, unsent ones zero and 1.
    """
    scale = (2 * features.square().sum((1, 2)) / mask.sum((1, 2))).clamp(min=1e-12).sqrt()[:, None, None]
    pairs = (features / scale).reshape(*features.shape[:2], -1, 2)
    x = torch.complex(pairs[..., 0], pairs[..., 1])
    rows, variances = [], []
    for row, kind in enumerate(fading):
        symbols, level = x[row].flatten()[None], n0[row : row + 1, None]
        noise = torch.randn(symbols.shape, dtype=torch.complex64, generator=generator).to(x.device)
        if kind == "none":
            y, effective = awgn(symbols, noise, level), level.expand(1, symbols.shape[1])
        else:
            count = symbols.shape[1] if kind == "fast" else 1
            gains = torch.randn((1, count), dtype=torch.complex64, generator=generator).to(x.device)
            faded, h = rayleigh(symbols, gains, noise, n0=level, coherence_symbols=1 if kind == "fast" else None)
            y, effective = mmse(faded, h, level)
        rows.append(y.reshape(x.shape[1:]))
        variances.append(effective.reshape(x.shape[1:]))
    y, variance = torch.stack(rows), torch.stack(variances)
    received = torch.stack([y.real, y.imag], -1).flatten(2) * scale * mask
    return received, torch.where(mask > 0, variance.repeat_interleave(2, dim=2), 1.0)
