"""Stationary Gaussian processes with exponential correlation, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import TypeVar

from ...errors import SignalError
from ..arrays import array_module

Array = TypeVar("Array")

__all__ = ["ar1"]


def ar1(normals: Array, correlation: float) -> Array:
    r"""First-order autoregression, stationary from its first value.

    .. math:: x[0] = w[0], \quad x[n] = \rho\, x[n-1] + \sqrt{1 - \rho^2}\, w[n], \quad
        E[x[n]\, x[n+k]] = \rho^{|k|}

    Args:
        normals: real ``[..., n]``: w, standard normal, drawn by the caller.
        correlation: :math:`\rho` of neighbours, 0 to 1; 1 repeats the first value.

    Raises:
        SignalError: the correlation is outside of 0 to 1.
    """
    if not 0 <= correlation <= 1:
        raise SignalError(f"ar1: expected a correlation from 0 to 1, got {correlation}")
    module = array_module(normals)
    x = (1 - correlation**2) ** 0.5 * normals
    x = module.concatenate((normals[..., :1], x[..., 1:]), -1)  # type: ignore[index]
    shift = 1
    while shift < x.shape[-1]:  # a scan: after step k each value holds the last 2^k terms of its sum
        added = x[..., shift:] + correlation**shift * x[..., :-shift]
        x = module.concatenate((x[..., :shift], added), -1)
        shift *= 2
    return x  # type: ignore[no-any-return]
