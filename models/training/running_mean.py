"""Means that follow values one after another, each in its bin."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["followed"]


def followed(level: Tensor, which: Tensor, values: Tensor, share: float) -> Tensor:
    r"""Means after a batch of values, in the order in which they lie, without the host's knowing of any.

    .. math:: m_{b_i} \leftarrow (1 - s)\, m_{b_i} + s\, v_i, \quad i = 1, 2, \ldots

    Args:
        level: Means by bin, ``[bins]``; one that is 0 has met no value yet, and takes its first as it is.
        which: Bin of each value, int64 ``[b]``.
        values: ``[b]``; those that are not finite are passed over.
        share: s.

    Returns:
        ``[bins]``.
    """
    counts = torch.isfinite(values)
    same = (which[:, None] == which) & counts & counts[:, None]
    later = same.triu(1).sum(1)
    first = (level[which] == 0) & (same.tril(-1).sum(1) == 0)
    kept = 1 - share
    weight = torch.where(first, 1.0, share) * kept**later
    own = (which[:, None] == torch.arange(len(level), device=level.device)) & counts[:, None]  # [b, bins]
    come = torch.where(own, (weight * values)[:, None], 0.0).sum(0)  # no product of matrices: it would be in bfloat16
    return level * kept ** own.sum(0) + come
