"""Spreading of real features over a whole frame, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["BLOCK", "despread", "spread"]

BLOCK = 256  # values that one Hadamard transform mixes


class _Order(NamedTuple):
    """Where each value goes, where it came from, and its sign."""

    forward: NDArray[np.int64]
    backward: NDArray[np.int64]
    signs: NDArray[np.float64]


@lru_cache(maxsize=8)
def _order(count: int, stage: int) -> _Order:
    """A permutation and signs that both ends know. From raw words, whose stream no release of numpy changes."""
    words = np.random.Philox(key=stage).random_raw(count).astype(np.uint64)
    forward = np.argsort(words, kind="stable")
    return _Order(forward, np.argsort(forward, kind="stable"), 1.0 - 2.0 * (words & np.uint64(1)).astype(np.float64))


@lru_cache(maxsize=16)
def _hadamard(side: int) -> NDArray[np.float64]:
    """Orthonormal, symmetric: its own inverse."""
    matrix: NDArray[np.float64] = np.full((1, 1), side**-0.5)
    while len(matrix) < side:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def _like(x: Any, values: NDArray[np.float64]) -> Any:
    """The values as an array of the kind and precision of ``x``."""
    return values.astype(x.dtype) if isinstance(x, np.ndarray) else x.new_tensor(values)


def _transform(x: Any) -> Any:
    """Hadamard transforms of runs of 256 values, and of what is left over in runs of 128, 64, ... 1."""
    parts, start, side = [], 0, BLOCK
    while start < x.shape[-1]:
        if length := (x.shape[-1] - start) // side * side:
            run = x[..., start : start + length]
            mixed = run.reshape(*run.shape[:-1], -1, side) @ _like(x, _hadamard(side))
            parts.append(mixed.reshape(run.shape))
            start += length
        side //= 2
    if len(parts) < 2:
        return parts[0] if parts else x
    if isinstance(x, np.ndarray):
        return np.concatenate(parts, -1)
    import torch

    return torch.cat(parts, -1)


def spread(x: Array) -> Array:
    r"""Mix the values of a frame, so that each becomes a sum of many: nearly Gaussian, and of one variance.

    .. math:: u = H P_2 H P_1 x

    P are fixed pseudo-random permutations with signs; H are Hadamard transforms of runs of 256 values, and of shorter
    runs at the end. All are orthonormal: energies and squared errors stay what they are. A value is spread over up to
    65536 others. The permutations matter: the intermodulation of a coarse quantiser would else fall back on the
    strongest values, since products of three Walsh functions are Walsh functions.

    Args:
        x: real ``[..., n]``.

    Returns:
        ``[..., n]``, as ``x``.

    Source: Jakubczak & Katabi, SoftCast, MobiCom 2011, section 3.3 (a Hadamard transform, there against packet loss);
            Ailon & Chazelle, The fast Johnson-Lindenstrauss transform, SIAM J. Comput. 39(1), 2009 (random signs).
    """
    mixed: Any = x
    for stage in (1, 2):
        order = _order(mixed.shape[-1], stage)
        mixed = _transform(mixed[..., order.forward] * _like(mixed, order.signs))
    return mixed  # type: ignore[no-any-return]


def despread(u: Array) -> Array:
    r"""Undo `spread`; noise becomes white over the frame.

    .. math:: x = P_1^T H P_2^T H u

    Args:
        u: real ``[..., n]``.

    Returns:
        ``[..., n]``, as ``u``.
    """
    mixed: Any = u
    for stage in (2, 1):
        order = _order(mixed.shape[-1], stage)
        mixed = (_transform(mixed) * _like(mixed, order.signs))[..., order.backward]
    return mixed  # type: ignore[no-any-return]
