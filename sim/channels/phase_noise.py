"""Phase noise of oscillators, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..arrays import array_module, like
from .autoregression import ar1

Array = TypeVar("Array")

__all__ = ["StreamPhase", "common_phase", "rotate", "stationary_phase", "wiener_phase"]


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


class StreamPhase:
    r"""Phase noise of an endless stream, the same however it is cut.

    .. math:: \varphi[n] = \rho\, \varphi[n-1] + \sigma_w w[n], \quad
        \text{free-running: } \rho = 1,\ \sigma_w^2 = 2 \pi \beta T, \quad
        \text{locked: } \rho = e^{-2 \pi B T},\ \sigma_w^2 = \sigma^2 (1 - \rho^2)

    Args:
        correlation: :math:`\rho` of neighbouring samples; 1: a random walk, which starts at zero.
        deviation: :math:`\sigma_w` of a random walk, :math:`\sigma` of what is stationary; in radians.

    State:   the phase of the last sample.
    """

    def __init__(self, correlation: float, deviation: float) -> None:
        self._rho, self._deviation = correlation, deviation
        self._last: float | None = None

    def take(self, normals: NDArray[np.floating], gap: int = 0, jump: float = 0.0) -> NDArray[np.float64]:
        """Return the phase of the next samples, in radians.

        Args:
            normals: w ``[n]``, standard normal.
            gap: Samples that were lost before them; the phase went on.
            jump: A standard normal for that time.
        """
        from scipy.signal import lfilter

        if not normals.size:
            return np.zeros(0)
        rho, deviation = self._rho, self._deviation
        drive = (deviation if rho == 1 else deviation * (1 - rho**2) ** 0.5) * normals.astype(np.float64)
        if self._last is None:
            drive[0] = 0.0 if rho == 1 else deviation * normals[0]
            self._last = 0.0
        elif gap:
            spread = deviation * gap**0.5 if rho == 1 else deviation * (1 - rho ** (2 * gap)) ** 0.5
            self._last = rho**gap * self._last + spread * jump
        phase, _ = lfilter([1.0], [1.0, -rho], drive, zi=[rho * self._last])
        self._last = float(phase[-1])
        return np.asarray(phase)


def rotate(x: Array, phase: Any) -> Array:
    r"""Turn each symbol by its phase.

    .. math:: y[n] = x[n]\, e^{j \varphi[n]}

    Args:
        x: complex ``[..., n]``.
        phase: radians ``[..., n]``.
    """
    return x * like(array_module(phase).exp(1j * phase), x)  # type: ignore[no-any-return]


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
