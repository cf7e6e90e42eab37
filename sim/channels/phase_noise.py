"""Phase noise of oscillators, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..arrays import array_module, like
from .autoregression import ar1

Array = TypeVar("Array")

__all__ = ["common_phase", "rotate", "stationary_phase", "wiener_phase"]


def wiener_phase(normals: Array, linewidth: Any) -> Array:
    r"""Phase of a free-running oscillator: a random walk that starts at zero.

    .. math:: \varphi[n] = \varphi[n-1] + \sqrt{2 \pi \beta T}\, w[n], \quad \varphi[0] = 0, \quad
        \operatorname{var} \varphi[n] = 2 \pi \beta T n

    Args:
        normals: real ``[..., n]``: w, standard normal, drawn by the caller; the first is not used.
        linewidth: :math:`\beta T`: two-sided 3 dB linewidth of the Lorentzian spectrum times the symbol duration.

    Returns:
        The phase in radians, ``[..., n]``.

    Source: Demir, Mehrotra & Roychowdhury, "Phase noise in oscillators", IEEE Trans. Circuits Syst. I 47(5), 2000.
    """
    steps = (2 * np.pi * linewidth) ** 0.5 * normals
    return steps.cumsum(-1) - steps[..., :1]  # type: ignore[no-any-return]


def stationary_phase(normals: Array, rms: Any, correlation: float) -> Array:
    r"""Phase that a locked loop leaves: Gaussian, stationary, with exponential correlation.

    .. math:: \varphi[n] \sim \mathcal{N}(0, \sigma^2), \quad E[\varphi[n]\, \varphi[n+k]] = \sigma^2 \rho^{|k|}

    Args:
        normals: real ``[..., n]``, standard normal, drawn by the caller.
        rms: :math:`\sigma` in radians.
        correlation: :math:`\rho` of neighbouring symbols: :math:`e^{-2 \pi B T}` for a loop of bandwidth B in Hz.

    Returns:
        The phase in radians, ``[..., n]``.
    """
    return rms * ar1(normals, correlation)  # type: ignore[no-any-return]


def rotate(x: Array, phase: Array) -> Array:
    r"""Turn each symbol by its phase.

    .. math:: y[n] = x[n]\, e^{j \varphi[n]}

    Args:
        x: complex ``[..., n]``.
        phase: radians ``[..., n]``.
    """
    return x * like(array_module(phase).exp(1j * phase), x)  # type: ignore[operator,no-any-return]


def common_phase(phase: NDArray[np.floating], block_symbols: int | None) -> NDArray[np.float64]:
    r"""The part of a phase that is common to each block: what ideal tracking removes.

    .. math:: \theta_b = \arg \sum_{n \in b} e^{j \varphi[n]}

    Args:
        phase: radians ``[n]``.
        block_symbols: Length of a block; ``None``: the whole frame.

    Returns:
        The common phase of every symbol's block, float64 ``[n]``.

    Raises:
        SignalError: ``block_symbols`` is less than one.
    """
    if block_symbols is not None and block_symbols < 1:
        raise SignalError(f"phase noise: expected block_symbols of at least 1, got {block_symbols}")
    if phase.size == 0:
        return np.zeros(0)
    block = min(block_symbols or phase.size, phase.size)
    sums = np.add.reduceat(np.exp(1j * phase.astype(np.float64)), np.arange(0, phase.size, block))
    return np.angle(sums)[np.arange(phase.size) // block]
