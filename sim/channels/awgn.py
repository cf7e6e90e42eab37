"""Additive white Gaussian noise, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["awgn", "n0_from_esn0_db"]


def n0_from_esn0_db(esn0_db: Any) -> Any:
    r"""Noise variance per complex symbol of unit mean energy.

    .. math:: N_0 = 10^{-\mathrm{esn0\_db} / 10}

    Args:
        esn0_db: Es/N0 in dB: a number, a numpy array or a torch tensor; Es = 1.
    """
    return 10.0 ** (esn0_db * -0.1)


def awgn(x: Array, noise: Array, n0: Any) -> Array:
    r"""Add noise that the caller has drawn.

    .. math:: y[n] = x[n] + \sqrt{N_0}\, w[n], \quad w[n] \sim \mathcal{CN}(0, 1)

    Args:
        x: complex ``[..., n]``.
        noise: complex ``[..., n]``, circularly symmetric with unit variance: 1/2 per real dimension.
        n0: Noise variance per complex symbol, N0/2 per real dimension; broadcasts against ``x``.

    Source: Proakis & Salehi, Digital Communications, 5th ed., section 2.9.
    """
    return x + n0**0.5 * noise  # type: ignore[no-any-return]
