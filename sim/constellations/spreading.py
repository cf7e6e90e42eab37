"""Spreading of real features over a whole frame, for numpy arrays and torch tensors alike."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["BLOCK", "despread", "spread"]

BLOCK = 256  # longest side of a Hadamard matrix


@lru_cache(maxsize=16)
def _hadamard(side: int) -> NDArray[np.float64]:
    """Orthonormal, symmetric: its own inverse."""
    matrix: NDArray[np.float64] = np.full((1, 1), side**-0.5)
    while len(matrix) < side:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


@lru_cache(maxsize=16)
def _signs(count: int, stage: int) -> NDArray[np.float64]:
    """Signs that both ends know. From raw words, whose stream no release of numpy changes."""
    words = np.random.Philox(key=stage).random_raw(-(-count // 64)).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8), count=count)
    return 1.0 - 2.0 * bits.astype(np.float64)


def _like(x: Any, values: NDArray[np.float64]) -> Any:
    """The values as an array of the kind and precision of ``x``."""
    return values.astype(x.dtype) if isinstance(x, np.ndarray) else x.new_tensor(values)


def _sides(count: int) -> tuple[int, int]:
    near = math.gcd(count, BLOCK) if count else 1
    return near, math.gcd(count // near, BLOCK) if count else 1


def _near(x: Any, side: int) -> Any:
    return (x.reshape(*x.shape[:-1], -1, side) @ _like(x, _hadamard(side))).reshape(x.shape)


def _far(x: Any, side: int) -> Any:
    return (_like(x, _hadamard(side)) @ x.reshape(*x.shape[:-1], side, -1)).reshape(x.shape)


def spread(x: Array) -> Array:
    r"""Mix the values of a frame, so that each becomes a sum of many: nearly Gaussian, and of one variance.

    .. math:: u = H_2 D_2 H_1 D_1 x

    D are diagonal matrices of fixed pseudo-random signs; H1 is a Hadamard transform of each run of neighbours, H2 one
    of values that lie far apart, both of sides up to 256. All are orthonormal: energies and squared errors stay what
    they are. Signs between the transforms matter: the intermodulation of a coarse quantiser would else fall back on the
    strongest values, since products of three Walsh functions are Walsh functions.

    A side is the greatest power of two up to 256 that divides the count (for H2: what is left of it). A frame of an odd
    count is not mixed.

    Args:
        x: real ``[..., n]``.

    Returns:
        ``[..., n]``, as ``x``.

    Source: Jakubczak & Katabi, SoftCast, MobiCom 2011, section 3.3 (a Hadamard transform, there against packet loss);
            Ailon & Chazelle, The fast Johnson-Lindenstrauss transform, SIAM J. Comput. 39(1), 2009 (random signs).
    """
    count = x.shape[-1]  # type: ignore[attr-defined]
    near, far = _sides(count)
    return _far(_near(x * _like(x, _signs(count, 1)), near) * _like(x, _signs(count, 2)), far)  # type: ignore[no-any-return]


def despread(u: Array) -> Array:
    r"""Undo `spread`; noise becomes white over the frame.

    .. math:: x = D_1 H_1 D_2 H_2 u

    Args:
        u: real ``[..., n]``.

    Returns:
        ``[..., n]``, as ``u``.
    """
    count = u.shape[-1]  # type: ignore[attr-defined]
    near, far = _sides(count)
    return _near(_far(u, far) * _like(u, _signs(count, 2)), near) * _like(u, _signs(count, 1))  # type: ignore[no-any-return]
