"""Gates that know one number: the Es/N0 (Channel ModNet) or the rate (Rate ModNet).

Source: Yang et al., SwinJSCC: taming Swin Transformer for deep joint source-channel coding, IEEE TCCN 2024; WITT,
ICASSP 2023.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

__all__ = ["ModNet"]


class ModNet(nn.Module):
    r"""A gate between 0 and 1 for every value, of the values and of a number.

    .. math:: t_0 = W_0 x, \quad t_i = W_i (t_{i-1} \odot m_{i-1}(a)), \quad
        g = \sigma\bigl(W_n (t_{n-1} \odot m_{n-1}(a))\bigr)

    where each m is a network of its own that sees the number a alone. No gradient goes to x by this way.

    Args:
        width: Of a position.
        hidden: Of the t.
        stages: n.
    """

    def __init__(self, width: int, hidden: int, stages: int) -> None:
        super().__init__()
        sizes = [width, *[hidden] * stages, width]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.told = nn.ModuleList(_told(hidden) for _ in range(stages))

    def forward(self, x: Tensor, number: Tensor) -> Tensor:
        """``x``: ``[b, h, w, width]``; ``number``: ``[b]``, of about 1. Returns the gates, of the shape of x."""
        gate = x.detach()
        for layer, told in zip(self.layers, self.told, strict=False):
            gate = layer(gate) * told(number[:, None])[:, None, None]
        return torch.sigmoid(self.layers[-1](gate))


def _told(hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(1, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.Sigmoid(),
    )
