"""What every flat fading channel shares, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from ...errors import SignalError

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["fading_blocks", "flat_fading", "hold"]


def fading_blocks(symbols: int, coherence_symbols: int | None) -> int:
    """How many independent gains a frame sees.

    Args:
        symbols: Length of the frame.
        coherence_symbols: Symbols over which the gain stays; 1 is fast fading, ``None`` the whole frame (block fading).

    Raises:
        SignalError: ``coherence_symbols`` is less than one.

    Example:
        >>> fading_blocks(10, 4), fading_blocks(10, 1), fading_blocks(10, None)
        (3, 10, 1)
    """
    if coherence_symbols is None:
        return 1
    if coherence_symbols < 1:
        raise SignalError(f"fading: expected coherence_symbols of at least 1, got {coherence_symbols}")
    return max(1, -(-symbols // coherence_symbols))


def hold(h: Array, symbols: int, coherence_symbols: int | None) -> Array:
    r"""Hold each gain over its coherence length.

    .. math:: h[n] = h_{\lfloor n / c \rfloor}

    Args:
        h: complex ``[..., blocks]``, one gain per block: `fading_blocks` says how many.
        symbols: Length of the frame.
        coherence_symbols: c; ``None`` for the whole frame.

    Returns:
        The gain of every symbol, ``[..., symbols]``.

    Raises:
        SignalError: ``h`` has another number of gains.
    """
    shape = tuple(h.shape)  # type: ignore[attr-defined]
    blocks = fading_blocks(symbols, coherence_symbols)
    if not shape or shape[-1] != blocks:
        raise SignalError(f"fading: expected {blocks} gains for {symbols} symbols, got shape {list(shape)}")
    return h[..., np.arange(symbols) // (coherence_symbols or max(symbols, 1))]  # type: ignore[index,no-any-return]


def flat_fading(x: Array, h: Array, noise: Array, n0: Any) -> Array:
    r"""Multiply by a gain and add noise, both drawn by the caller.

    .. math:: y[n] = h[n]\, x[n] + \sqrt{N_0}\, w[n], \quad w[n] \sim \mathcal{CN}(0, 1)

    Args:
        x: complex ``[..., n]``.
        h: complex gain of each symbol, ``[..., n]`` or ``[..., 1]``, with E|h|^2 = 1.
        noise: complex ``[..., n]``, circularly symmetric with unit variance: 1/2 per real dimension.
        n0: Noise variance per complex symbol; Es/N0 = 1/n0 is then the mean over the fading.

    Source: Tse & Viswanath, Fundamentals of Wireless Communication, section 2.4.
    """
    return h * x + n0**0.5 * noise  # type: ignore[operator,no-any-return]
