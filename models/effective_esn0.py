"""The Es/N0 of one AWGN channel that carries as much as symbols that each have their own noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["effective_esn0_db", "effective_esn0_db_of_sent"]


def effective_esn0_db(n0: Tensor) -> Tensor:
    """The Es/N0 of an AWGN channel with the mean capacity of these symbols: ``[b, n]`` noise variances to ``[b]``.

    A mean over dB or over noise variances would be ruled by the one symbol that hit the deepest fade. Kept within what
    training meets: -15 to 25 dB.
    """
    capacity = torch.log1p(1 / n0).mean(1)  # nat per use
    return (10 * torch.log10(torch.expm1(capacity).clamp(min=1e-3))).clamp(-15, 25)


def effective_esn0_db_of_sent(n0: Tensor, mask: Tensor) -> Tensor:
    """`effective_esn0_db` over what is sent alone."""
    capacity = (torch.log1p(1 / n0) * mask).sum((1, 2)) / mask.sum((1, 2))
    return effective_esn0_db((1 / torch.expm1(capacity))[:, None]) if math.prod(n0.shape) else n0.new_zeros(0)
