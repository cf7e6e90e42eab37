"""Rayleigh flat fading, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

from .fading import flat_fading, hold

Array = TypeVar("Array")

__all__ = ["rayleigh"]


def rayleigh(
    x: Array, scattered: Array, noise: Array, *, n0: Any, coherence_symbols: int | None = None
) -> tuple[Array, Array]:
    r"""Fade each coherence block by a Rayleigh gain, then add noise.

    .. math:: y[n] = h[n]\, x[n] + \sqrt{N_0}\, w[n], \quad h \sim \mathcal{CN}(0, 1)

    |h| is Rayleigh with scale :math:`1/\sqrt2`, so E|h|^2 = 1, and Es/N0 = 1/n0 is the mean over the fading.

    Args:
        x: complex ``[..., n]``.
        scattered: complex ``[..., blocks]``, CN(0, 1): one draw for each of `fading_blocks` blocks.
        noise: complex ``[..., n]``, CN(0, 1).
        n0: Noise variance per complex symbol.
        coherence_symbols: Symbols over which the gain stays: 1 is fast fading, ``None`` the whole frame (block fading).

    Returns:
        The received symbols and the gain of every symbol, both ``[..., n]``.

    Source: Tse & Viswanath, Fundamentals of Wireless Communication, section 2.4.2.
    """
    h = hold(scattered, x.shape[-1], coherence_symbols)  # type: ignore[attr-defined]
    return flat_fading(x, h, noise, n0), h
