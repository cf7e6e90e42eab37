"""One frame over a channel: unit power, pairing, noise and fading drawn here, equalised with perfect channel state."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ...sim.channels.awgn import awgn
from ...sim.channels.equalizer import mmse
from ...sim.channels.rayleigh import rayleigh

__all__ = ["Fading", "Received", "cross", "draw_fading", "over_channel", "unit_power"]

Fading = Literal["none", "block", "fast"]
Received = tuple[Tensor, Tensor]


def unit_power(features: Tensor) -> tuple[Tensor, Tensor]:
    r"""Bring each frame to unit mean energy per complex symbol, that is 1/2 per real dimension.

    Args:
        features: real ``[b, n]``, ``n`` even.

    Returns:
        Complex symbols ``[b, n / 2]``, ``s = x[0::2] + j x[1::2]``, and the scale ``[b, 1]`` that undoes it.
    """
    scale = (2 * features.square().mean(1, keepdim=True)).clamp(min=1e-12).sqrt()
    pairs = (features / scale).reshape(features.shape[0], -1, 2)
    return torch.complex(pairs[..., 0], pairs[..., 1]), scale


def draw_fading(frames: int, share: float, generator: torch.Generator) -> list[Fading]:
    """The channel of each frame: a ``share`` over Rayleigh fading, half of it block and half fast."""
    kinds: list[Fading] = []
    for u in torch.rand(frames, generator=generator).tolist():
        kinds.append("none" if u >= share else "block" if u < share / 2 else "fast")
    return kinds


def _draw(shape: tuple[int, int], like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, dtype=torch.complex64, generator=generator).to(
        like.device
    )  # variance 1: 1/2 per real part


def over_channel(features: Tensor, n0: Tensor, fading: list[Fading], generator: torch.Generator) -> Received:
    """Send frames and equalise them.

    Args:
        features: real ``[b, n]``, ``n`` even, of any scale.
        n0: ``[b]`` noise variance per complex symbol; the mean over fading.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn (on the CPU, so that a run does not depend on the device).

    Returns:
        Received features ``[b, n]`` in the scale of the sent ones, and for each of them the noise variance per complex
        symbol of unit energy.
    """
    symbols, scale = unit_power(features)
    y, variance = cross(symbols, n0, fading, generator)
    received = torch.stack([y.real, y.imag], 2).flatten(1) * scale
    return received, variance.repeat_interleave(2, dim=1)


def cross(symbols: Tensor, n0: Tensor, fading: list[Fading], generator: torch.Generator) -> Received:
    """Send complex symbols ``[b, n]`` and equalise them: received symbols and their noise variances ``[b, n]``.

    Args:
        symbols: complex ``[b, n]``, of unit mean energy per frame.
        n0: ``[b]`` noise variance per complex symbol; the mean over fading.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn.
    """
    rows, variances = [], []
    for row, kind in enumerate(fading):
        x, level = symbols[row : row + 1], n0[row : row + 1, None]
        noise = _draw((1, x.shape[1]), x, generator)
        if kind == "none":
            y, effective = awgn(x, noise, level), level.expand(1, x.shape[1])
        else:
            coherence = 1 if kind == "fast" else None
            gains = _draw((1, x.shape[1] if kind == "fast" else 1), x, generator)
            faded, h = rayleigh(x, gains, noise, n0=level, coherence_symbols=coherence)
            y, effective = mmse(faded, h, level)
        rows.append(y)
        variances.append(effective)
    return torch.cat(rows), torch.cat(variances)
