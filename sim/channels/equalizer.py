r"""One-tap equalisers with perfect channel state, for numpy arrays and torch tensors alike.

Each takes :math:`y = h x + w`, :math:`w \sim \mathcal{CN}(0, N_0)`, and returns the equalised symbols and the effective
noise variance of each of them. A gain of exactly zero gives a zero symbol and a huge, finite variance.
"""

from __future__ import annotations

from typing import Any, TypeVar

Array = TypeVar("Array")

__all__ = ["lmmse", "mmse", "zf"]

_SMALLEST_GAIN = 1e-30  # of |h|^2: far below any drawn gain, still a normal float32


def _energy(h: Any) -> Any:
    return (h * h.conj()).real  # not abs(h) ** 2, whose torch gradient is undefined at zero


def zf(y: Array, h: Array, n0: Any) -> tuple[Array, Array]:
    r"""Zero forcing.

    .. math:: \hat x = \frac{y}{h} = x + \frac{w}{h}, \quad N_{0,\mathrm{eff}} = \frac{N_0}{|h|^2}

    Args:
        y: complex ``[..., n]``.
        h: complex gain of each symbol, ``[..., n]``.
        n0: Noise variance per received symbol.
    """
    energy = _energy(h) + _SMALLEST_GAIN
    return h.conj() * y / energy, n0 / energy  # type: ignore[attr-defined]


def mmse(y: Array, h: Array, n0: Any) -> tuple[Array, Array]:
    r"""Minimum mean-square error, its bias removed, as demapping needs it.

    .. math:: \hat x = \frac{1}{a} \frac{h^* y}{|h|^2 + N_0}, \quad a = \frac{|h|^2}{|h|^2 + N_0},
        \quad N_{0,\mathrm{eff}} = \frac{1 - a}{a}

    With a single tap this equals zero forcing: removing the bias undoes the shrinking, and what is left of MMSE is the
    effective variance, from which a decoder can shrink by :math:`1 / (1 + N_{0,\mathrm{eff}}) = a` itself.

    Args:
        y: complex ``[..., n]``.
        h: complex gain of each symbol, ``[..., n]``.
        n0: Noise variance per received symbol.

    Source: Cioffi et al., "MMSE decision-feedback equalizers and coding, Part I", IEEE Trans. Commun. 43(10), 1995.
    """
    energy = _energy(h) + _SMALLEST_GAIN
    a = energy / (energy + n0)
    return h.conj() * y / (energy + n0) / a, n0 / (energy + n0) / a  # type: ignore[attr-defined]


def lmmse(y: Array, h: Array, n0: Any) -> tuple[Array, Array]:
    r"""Minimum mean-square error with its bias: the estimate nearest to x when E|x|^2 = 1.

    .. math:: \hat x = \frac{h^* y}{|h|^2 + N_0}, \quad E|\hat x - x|^2 = \frac{N_0}{|h|^2 + N_0}

    For decoders of learned (analogue) symbols that do not shrink by themselves: a deep fade then fades the symbol out
    instead of blowing up its noise. The second value is the mean-square error, not the variance of noise beside an
    undistorted x.

    Args:
        y: complex ``[..., n]``.
        h: complex gain of each symbol, ``[..., n]``.
        n0: Noise variance per received symbol.
    """
    total = _energy(h) + n0
    return h.conj() * y / total, n0 / total  # type: ignore[attr-defined]
