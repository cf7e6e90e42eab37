"""The few things that numpy and torch spell differently, for what is written once for both."""

from __future__ import annotations

import math
import sys
from typing import Any, TypeVar

import numpy as np

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["array_module", "constant", "float_index", "like", "phasor", "product", "zeros"]


def array_module(x: Any) -> Any:
    """Return numpy or torch, whichever ``x`` belongs to; torch is never imported for the question.

    Example:
        >>> array_module(np.zeros(2)).__name__
        'numpy'
    """
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(x, torch.Tensor) else np


def float_index(start: int, count: int, x: Any) -> Any:
    """Whole numbers ``start`` to ``start + count - 1`` as float64 ``[count]``, beside ``x`` (its device).

    float64 holds every index exactly; in float32 a phase ramp would lose its angle after some thousand symbols.
    """
    module = array_module(x)
    if module is np:
        return np.arange(start, start + count, dtype=np.float64)
    return module.arange(start, start + count, dtype=module.float64, device=x.device)


def like(value: Any, x: Any) -> Any:
    """Convert ``value`` to the kind, dtype and device of ``x``."""
    module = array_module(x)
    if module is np:
        return np.asarray(value).astype(x.dtype, copy=False)
    return module.as_tensor(value, device=x.device).to(x.dtype)


def constant(values: Any, x: Any) -> Any:
    """Return a numpy constant to reckon with beside ``x``: for torch of its dtype and device, for numpy as it is.

    So a double-precision constant stays one beside single-precision numpy arrays; torch multiplies matrices of one
    dtype only.

    Args:
        values: A numpy array.
        x: A numpy array or a torch tensor.
    """
    return values if array_module(x) is np else like(values, x)


def zeros(shape: tuple[int, ...], x: Array) -> Array:
    """Return zeros of a shape, of the kind, dtype and device of ``x``.

    Args:
        shape: Of the result.
        x: A numpy array or a torch tensor.
    """
    if array_module(x) is np:
        return np.zeros(shape, x.dtype)  # type: ignore[attr-defined,return-value]
    return x.new_zeros(shape)  # type: ignore[attr-defined,no-any-return]


def phasor(turns: Array) -> Array:
    r"""Complex numbers of modulus one.

    .. math:: e^{j 2 \pi t}

    Args:
        turns: real: t, the angle in whole turns.
    """
    angle: Any = 2.0 * math.pi * turns  # type: ignore[operator]
    module = array_module(angle)
    return module.cos(angle) + 1j * module.sin(angle)  # type: ignore[no-any-return]


def product(left: Array, right: Array) -> Array:
    """Return the matrix product over the last two axes.

    Of numpy arrays it is summed by one thread in a fixed order: a threaded library may round otherwise with another
    number of threads, and its threads wait for each other where the machine is busy.

    Args:
        left: ``[..., n, k]``.
        right: ``[..., k, m]``.
    """
    if array_module(left) is np:
        return np.einsum("...ij,...jk->...ik", left, right)  # type: ignore[call-overload,no-any-return]
    return left @ right  # type: ignore[operator,no-any-return]
