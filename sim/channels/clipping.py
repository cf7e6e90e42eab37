"""Clipping, for numpy arrays and torch tensors alike; torch has the subgradient."""

from __future__ import annotations

from typing import Any, TypeVar

from ..arrays import array_module

Array = TypeVar("Array")

__all__ = ["clip_envelope", "clip_rails"]


def clip_envelope(x: Array, level: Any) -> Array:
    r"""Limit the magnitude and keep the phase: a soft limiter, or an ideal amplifier that saturates.

    .. math:: y = x \min(1, A / |x|)

    Args:
        x: complex ``[..., n]``.
        level: A > 0, the largest magnitude.

    Source: Ochiai & Imai, "Performance analysis of deliberately clipped OFDM signals", IEEE Trans. Commun. 50(1), 2002.
    """
    module: Any = array_module(x)
    magnitude: Any = abs(x)  # type: ignore[arg-type]
    above = magnitude > level
    # where nothing is clipped the divisor is one: the gradient of 1 / |x| at zero would be infinite
    return x * module.where(above, level / module.where(above, magnitude, 1.0), 1.0)  # type: ignore[no-any-return]


def clip_rails(x: Array, full_scale: Any) -> Array:
    r"""Limit in-phase and quadrature part each, as the two converters of a transceiver do.

    .. math:: y = \operatorname{clip}(\Re x, -A, A) + j \operatorname{clip}(\Im x, -A, A)

    Args:
        x: complex ``[..., n]``.
        full_scale: A > 0, the largest value of each part.
    """
    return x.real.clip(-full_scale, full_scale) + 1j * x.imag.clip(-full_scale, full_scale)  # type: ignore[attr-defined,no-any-return]
