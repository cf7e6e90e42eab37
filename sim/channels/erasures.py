"""Erasures in bursts: the two-state chain of Gilbert and Elliott."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..arrays import array_module, like

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["erase", "gilbert_elliott"]


def erase(x: Array, erased: NDArray[np.bool_]) -> Array:
    r"""Put zeros where symbols are erased, whatever stood there.

    .. math:: y[n] = \begin{cases} 0 & b[n] = 1 \\ x[n] & b[n] = 0 \end{cases}

    Args:
        x: complex ``[..., n]``, for numpy arrays and torch tensors alike.
        erased: bool ``[n]`` or ``[..., n]``: b, of `gilbert_elliott`.
    """
    module = array_module(x)
    where = erased if module is np else module.as_tensor(erased, device=x.device)  # type: ignore[attr-defined]
    return module.where(where, like(0, x), x)  # type: ignore[no-any-return]


def gilbert_elliott(uniforms: NDArray[np.floating], *, erasure_rate: float, burst_symbols: float) -> NDArray[np.bool_]:
    r"""Which symbols are erased.

    .. math:: P(g \to b) = \frac{1}{L} \frac{e}{1 - e}, \quad P(b \to g) = \frac{1}{L}

    The chain is stationary from its first symbol: a share e of the symbols is erased, in bursts of L on average, whose
    lengths are geometric. L = 1 / (1 - e) are independent erasures.

    Args:
        uniforms: ``[n]``, uniform in [0, 1), drawn by the caller.
        erasure_rate: e, 0 to 1.
        burst_symbols: L, at least 1, and at least e / (1 - e), below which such bursts cannot fill a share of e.

    Returns:
        bool ``[n]``, true where a symbol is erased.

    Raises:
        SignalError: rate or burst are out of range.

    Source: Gilbert, "Capacity of a burst-noise channel", Bell Syst. Tech. J. 39(5), 1960.
    """
    if not 0 <= erasure_rate <= 1 or not burst_symbols >= 1:
        raise SignalError(
            f"erasures: expected a rate from 0 to 1 and bursts of at least 1 symbol, got {erasure_rate} and "
            f"{burst_symbols}"
        )
    if uniforms.size == 0 or erasure_rate in (0, 1):
        return np.full(uniforms.size, erasure_rate == 1)
    leave = 1 / burst_symbols
    enter = leave * erasure_rate / (1 - erasure_rate)
    if enter > 1:
        least = erasure_rate / (1 - erasure_rate)
        raise SignalError(
            f"erasures: expected bursts of at least {least:g} symbols for a rate of {erasure_rate}, got {burst_symbols}"
        )
    # One uniform moves both states of the chain. Below both thresholds the next symbol is erased and above both it is
    # not, whatever came before; between them the state stays (enter < stay) or changes. So a symbol's state is that of
    # the last settled one, and the number of changes since.
    stay = 1 - leave
    low, high = min(enter, stay), max(enter, stay)
    settled = (uniforms < low) | (uniforms >= high)
    value = uniforms < low
    settled[0], value[0] = True, uniforms[0] < erasure_rate
    last = np.maximum.accumulate(np.where(settled, np.arange(uniforms.size), 0))
    erased = value[last]
    if enter > stay:
        erased ^= (np.arange(uniforms.size) - last) % 2 == 1
    return erased
