"""Rician flat fading, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

from .fading import flat_fading, hold

Array = TypeVar("Array")

__all__ = ["rician", "rician_gain"]


def rician_gain(scattered: Array, line_of_sight: Array, k_db: Any) -> Array:
    r"""Rician gains of unit mean energy.

    .. math:: h = \sqrt{\tfrac{K}{K+1}}\, e^{j\theta} + \sqrt{\tfrac{1}{K+1}}\, g, \quad g \sim \mathcal{CN}(0, 1),
        \quad K = 10^{\mathrm{k\_db}/10}

    Args:
        scattered: complex ``[..., blocks]``: g, drawn by the caller.
        line_of_sight: complex of modulus one: the phasor :math:`e^{j\theta}`, drawn by the caller with uniform phase;
            ``[..., 1]`` for one line of sight per frame, ``[..., blocks]`` for one per block.
        k_db: K factor in dB: line-of-sight energy over scattered energy.
    """
    k = 10.0 ** (k_db * 0.1)
    return (k / (k + 1.0)) ** 0.5 * line_of_sight + (1.0 / (k + 1.0)) ** 0.5 * scattered  # type: ignore[no-any-return]


def rician(
    x: Array,
    scattered: Array,
    line_of_sight: Array,
    noise: Array,
    *,
    n0: Any,
    k_db: Any,
    coherence_symbols: int | None = None,
) -> tuple[Array, Array]:
    r"""Fade each coherence block by a Rician gain, then add noise.

    .. math:: y[n] = h[n]\, x[n] + \sqrt{N_0}\, w[n]

    Args:
        x: complex ``[..., n]``.
        scattered: complex ``[..., blocks]``, CN(0, 1): one draw for each of `fading_blocks` blocks.
        line_of_sight: complex of modulus one, ``[..., 1]`` or ``[..., blocks]``; see `rician_gain`.
        noise: complex ``[..., n]``, CN(0, 1).
        n0: Noise variance per complex symbol.
        k_db: K factor in dB.
        coherence_symbols: Symbols over which the gain stays: 1 is fast fading, ``None`` the whole frame (block fading).

    Returns:
        The received symbols and the gain of every symbol, both ``[..., n]``.

    Source: Tse & Viswanath, Fundamentals of Wireless Communication, section 2.4.2.
    """
    h = hold(rician_gain(scattered, line_of_sight, k_db), x.shape[-1], coherence_symbols)  # type: ignore[attr-defined]
    return flat_fading(x, h, noise, n0), h
