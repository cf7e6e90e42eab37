"""Noise of the diffusion in training."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["diffusion_noise"]

_HALVINGS, _DECAY, _MOST = 9, 0.75, 16


def diffusion_noise(shape: tuple[int, ...], kind: Literal["white", "pyramid"], generator: torch.Generator) -> Tensor:
    r"""Draw noise of unit variance.

    .. math:: n = \frac{n_0 + \sum_i 0.75^{i}\, \mathrm{up}_{2^i}(n_i)}{\sqrt{1 + \sum_i 0.75^{2 i}}}

    ``pyramid``: to white noise are added layers of white noise on grids that are 2^i times coarser, i = 1 to 9, those
    of them that have 1 to 16 rows or columns; each is brought to full size by repetition. So large structures are noisy
    too and the network learns to restore them.

    Args:
        shape: ``[b, c, h, w]``.
        kind: White, or as above.
        generator: Where it is drawn.

    Source: Stability-AI/StableCascade, train/train_b.py.
    """
    device = generator.device
    noise = torch.randn(shape, generator=generator, device=device)
    if kind == "white":
        return noise
    power = 1.0
    for index in range(1, _HALVINGS + 1):
        grid = [n // 2**index for n in shape[2:]]
        if not any(1 <= n <= _MOST for n in grid):
            continue
        grid = [max(1, n) for n in grid]
        weight = _DECAY**index
        coarse = torch.randn((*shape[:2], *grid), generator=generator, device=device)
        noise = noise + weight * F.interpolate(coarse, size=shape[2:])
        power += weight**2
    unit: Tensor = noise / power**0.5
    return unit
