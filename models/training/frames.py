"""One frame over a channel: unit power, pairing, noise and fading drawn here, equalised with perfect channel state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from ...sim.channels.awgn import awgn
from ...sim.channels.equalizer import mmse
from ...sim.channels.fading import flat_fading
from ...sim.channels.rayleigh import rayleigh
from .to_device import to_device

__all__ = ["Fading", "Received", "cross", "cross_at_once", "draw_fading", "over_channel", "unit_power"]

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
    """The channel of each frame: a ``share`` over Rayleigh fading, half of it block and half fast.

    The host has to know: a generator on a GPU would be waited for.
    """
    kinds: list[Fading] = []
    for u in torch.rand(frames, generator=generator, device=generator.device).tolist():
        kinds.append("none" if u >= share else "block" if u < share / 2 else "fast")
    return kinds


def over_channel(features: Tensor, n0: Tensor, fading: list[Fading], generator: torch.Generator) -> Received:
    """Send frames and equalise them.

    Args:
        features: real ``[b, n]``, ``n`` even, of any scale.
        n0: ``[b]`` noise variance per complex symbol; the mean over fading.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn; on any device.

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
        generator: Where noise and gains are drawn. One on the CPU draws frame by frame; any other, all at once.
    """
    if generator.device.type != "cpu":
        noise, gains = (_draw(symbols.shape, symbols, generator) for _ in range(2))
        return cross_at_once(symbols, n0, fading, noise, gains)
    rows, variances = [], []
    for row, kind in enumerate(fading):
        x, level = symbols[row : row + 1], n0[row : row + 1, None]
        noise = _draw(x.shape, x, generator)
        if kind == "none":
            y, effective = awgn(x, noise, level), level.expand(x.shape)
        else:
            coherence = 1 if kind == "fast" else None
            gains = _draw((1, x.shape[1] if kind == "fast" else 1), x, generator)
            faded, h = rayleigh(x, gains, noise, n0=level, coherence_symbols=coherence)
            y, effective = mmse(faded, h, level)
        rows.append(y)
        variances.append(effective)
    return torch.cat(rows), torch.cat(variances)


def cross_at_once(symbols: Tensor, n0: Tensor, fading: list[Fading], noise: Tensor, gains: Tensor) -> Received:
    """As `cross`, in a few operations on all frames, each of which goes over every channel and keeps its own.

    Args:
        symbols: complex ``[b, n]``, of unit mean energy per frame.
        n0: ``[b]``.
        fading: The channel of each frame.
        noise: complex ``[b, n]``, CN(0, 1).
        gains: Alike; block fading takes the first of each frame.
    """
    shares = torch.tensor([[kind == "none", kind == "block"] for kind in fading])
    plain, block = to_device(shares, symbols.device)[:, :, None].unbind(1)
    level = n0[:, None]
    h = torch.where(block, gains[:, :1], gains)
    y, effective = mmse(flat_fading(symbols, h, noise, level), h, level)
    return torch.where(plain, awgn(symbols, noise, level), y), torch.where(plain, level, effective)


def _draw(shape: Sequence[int], like: Tensor, generator: torch.Generator) -> Tensor:
    """Complex values of variance 1: 1/2 per real part."""
    drawn = torch.randn(tuple(shape), dtype=torch.complex64, generator=generator, device=generator.device)
    return drawn.to(like.device)
