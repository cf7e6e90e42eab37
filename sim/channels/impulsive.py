r"""Impulsive noise: Gaussian noise whose variance is itself random, for numpy arrays and torch tensors alike.

Each function gives the variance of every symbol; `awgn` then adds the noise, with this variance for its n0.
"""

from __future__ import annotations

from typing import Any

from ..arrays import like

__all__ = ["bernoulli_gaussian_n0", "middleton_a_n0"]


def bernoulli_gaussian_n0(uniforms: Any, n0: Any, *, impulse_rate: float, impulse_ratio: float) -> Any:
    r"""Variance of noise that is louder by a factor in some symbols.

    .. math:: N_0[n] = \frac{N_0}{1 + p K} (1 + K b[n]), \quad P(b[n] = 1) = p

    so that the mean is N0. The noise w has :math:`E|w|^4 / (E|w|^2)^2 = 2 (1 + (2 + K) p K) / (1 + p K)^2`.

    Args:
        uniforms: real ``[..., n]``, uniform in [0, 1), drawn by the caller.
        n0: Mean noise variance per complex symbol.
        impulse_rate: p, the probability of an impulse, 0 to 1.
        impulse_ratio: K, variance of the impulses over that of the background.

    Source: Ghosh, "Analysis of the effect of impulse noise on multicarrier and single carrier QAM systems", IEEE Trans.
        Commun. 44(2), 1996.
    """
    background = n0 / (1 + impulse_rate * impulse_ratio)
    return background * (1 + impulse_ratio * like(uniforms < impulse_rate, uniforms))


def middleton_a_n0(counts: Any, n0: Any, *, overlap: float, gaussian_ratio: float) -> Any:
    r"""Variance of Middleton's class A noise.

    .. math:: N_0[n] = N_0 \frac{m[n] / A + \Gamma}{1 + \Gamma}, \quad m[n] \sim \mathrm{Poisson}(A)

    so that the mean is N0. The noise w has :math:`E|w|^4 / (E|w|^2)^2 = 2 (1 + 1 / (A (1 + \Gamma)^2))`.

    Args:
        counts: ``[..., n]``: m, drawn by the caller.
        n0: Mean noise variance per complex symbol.
        overlap: A, the impulsive index: impulses at a time; small is spiky, 10 nearly Gaussian.
        gaussian_ratio: :math:`\Gamma`, variance of the Gaussian background over that of the impulses.

    Source: Middleton, "Statistical-physical models of electromagnetic interference", IEEE Trans. Electromagn. Compat.
        19(3), 1977.
    """
    return n0 * (counts / overlap + gaussian_ratio) / (1 + gaussian_ratio)
