"""The few things that numpy and torch spell differently, for channel models written once."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

Array = TypeVar("Array")

__all__ = ["constant", "phasor", "product", "zeros"]


def constant(values: Any, like: Array) -> Array:
    """Return a numpy constant as an array of the kind and, for torch, of the dtype and device of ``like``.

    Args:
        values: A numpy array.
        like: A numpy array (the constant is returned as it is) or a torch tensor.
    """
    if isinstance(like, np.ndarray):
        return values  # type: ignore[no-any-return]
    return like.new_tensor(values).to(like.dtype)  # type: ignore[attr-defined,no-any-return]


def zeros(shape: tuple[int, ...], like: Array) -> Array:
    """Return zeros of a shape, of the kind and dtype of ``like``.

    Args:
        shape: Of the result.
        like: A numpy array or a torch tensor.
    """
    if isinstance(like, np.ndarray):
        return np.zeros(shape, like.dtype)  # type: ignore[return-value]
    return like.new_zeros(shape)  # type: ignore[attr-defined,no-any-return]


def phasor(turns: Array) -> Array:
    r"""Complex numbers of modulus one.

    .. math:: e^{j 2 \pi t}

    Args:
        turns: real: t, the angle in whole turns.
    """
    angle: Any = 2.0 * math.pi * turns  # type: ignore[operator]
    if isinstance(angle, np.ndarray | np.generic | float):
        return np.cos(angle) + 1j * np.sin(angle)  # type: ignore[return-value]
    return angle.cos() + 1j * angle.sin()  # type: ignore[no-any-return]


def product(left: Array, right: Array) -> Array:
    """Return the matrix product over the last two axes.

    Of numpy arrays it is summed by one thread in a fixed order: a threaded library may round otherwise with another
    number of threads, and its threads wait for each other where the machine is busy.

    Args:
        left: ``[..., n, k]``.
        right: ``[..., k, m]``.
    """
    if isinstance(left, np.ndarray):
        return np.einsum("...ij,...jk->...ik", left, np.asarray(right))  # type: ignore[no-any-return]
    return left @ right  # type: ignore[operator,no-any-return]
