"""A network that begins as a smaller one, whose weights lie in the low corner of its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .network import Ntscc

__all__ = ["grow"]

_LEAVE = ".condition.leave."


@torch.no_grad()
def grow(network: Ntscc, smaller: Mapping[str, Tensor]) -> None:
    """Have a network that was just made compute what a smaller one does, but for its further blocks, which add little.

    Blocks have no norm, so that a further channel reaches the others by weights alone, and those begin at zero. What
    leads to further channels stays as it was made: gradients find the way.

    Args:
        network: Of a size that `NtsccConfig.grows_from` that of the smaller one.
        smaller: Its tensors by name.
    """
    tensors = network.state_dict()
    for name in tensors.keys() & smaller.keys():
        _put(_by_block(name, smaller), _by_block(name, tensors))


def _put(small: Tensor, large: Tensor) -> None:
    if large.ndim > 1:
        large[: small.shape[0]] = 0  # also what its outputs would take from further inputs
    large[tuple(slice(size) for size in small.shape)] = small


def _by_block(name: str, tensors: Mapping[str, Tensor]) -> Tensor:
    """A tensor; scales and shifts, which lie in one row, as ``[blocks, 2, width, ...]``."""
    tensor = tensors[name]
    stack, is_leave, _ = name.partition(_LEAVE)
    if not is_leave:
        return tensor
    width = tensors[f"{stack}.body.0.first.bias"].shape[0]
    return tensor.view(-1, 2, width, *tensor.shape[1:])
