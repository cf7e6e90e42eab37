"""Noise of the diffusion in training."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["diffusion_noise"]

_LEVELS, _DECAY, _LEAST, _MOST = 10, 0.75, 1, 16


def diffusion_noise(shape: tuple[int, ...], kind: Literal["white", "pyramid"], generator: torch.Generator) -> Tensor:
    r"""Draw noise of unit variance.

    .. math:: n = \frac{\sum_{i=0}^{10} 0.75^{i}\, \mathrm{up}(n_i)}{\sqrt{\sum_i 0.75^{2 i}}}

    ``pyramid``: to white noise (i = 0) are added ten layers of white noise on coarse grids of 1 to 16 a side, brought
    to full size by repetition, so that large structures are noisy too and the network learns to restore them.

    Args:
        shape: ``[b, c, h, w]``.
        kind: White, or as above.
        generator: Where it is drawn, on the CPU.

    Source: the training of Stable Cascade's stage B.
    """
    noise = torch.randn(shape, generator=generator)
    if kind == "white":
        return noise
    power = 1.0
    for index in range(1, _LEVELS + 1):
        side = round(_LEAST + (_MOST - _LEAST) * (index - 1) / (_LEVELS - 1))
        grid = [min(side, n) for n in shape[2:]]
        weight = _DECAY**index
        noise = noise + weight * F.interpolate(torch.randn((*shape[:2], *grid), generator=generator), size=shape[2:])
        power += weight**2
    unit: Tensor = noise / power**0.5
    return unit
