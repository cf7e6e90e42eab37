"""The Es/N0 of one AWGN channel that carries as much as a frame's values, each with its noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..deepjscc.adaptive import effective_esn0_db

__all__ = ["effective_esn0_db_of_sent"]


def effective_esn0_db_of_sent(n0: Tensor, mask: Tensor) -> Tensor:
    """`effective_esn0_db` over what is sent alone."""
    capacity = (torch.log1p(1 / n0) * mask).sum((1, 2)) / mask.sum((1, 2))
    return effective_esn0_db((1 / torch.expm1(capacity))[:, None]) if math.prod(n0.shape) else n0.new_zeros(0)
