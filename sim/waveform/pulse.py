"""The root-raised-cosine pulse."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["root_raised_cosine"]


@lru_cache(maxsize=8)
def root_raised_cosine(samples_per_symbol: int, rolloff: float, half_span: int) -> NDArray[np.float64]:
    r"""Return the taps of a root-raised-cosine pulse of unit energy.

    .. math::
        p(t) = \frac{\sin(\pi t (1 - \beta)) + 4 \beta t \cos(\pi t (1 + \beta))}{\pi t (1 - (4 \beta t)^2)}

    with t in symbols. Convolved with itself and sampled once a symbol it is 1 and zeros, up to what is cut off.

    Args:
        samples_per_symbol: At least 1.
        rolloff: :math:`\beta`, above 0 and at most 1.
        half_span: Symbols to each side that the pulse is cut off at.

    Returns:
        float64 ``[2 half_span samples_per_symbol + 1]``, read-only.

    Raises:
        SignalError: an argument is out of range.

    Source: Proakis & Salehi, Digital Communications, 5th ed., section 9.2.
    """
    if samples_per_symbol < 1 or half_span < 1 or not 0 < rolloff <= 1:
        raise SignalError(
            "root raised cosine: expected at least 1 sample a symbol, a span of at least 1 symbol and a roll-off above "
            f"0 and up to 1, got {samples_per_symbol}, {half_span} and {rolloff}"
        )
    t = np.arange(-half_span * samples_per_symbol, half_span * samples_per_symbol + 1) / samples_per_symbol
    below = np.pi * t * (1 - (4 * rolloff * t) ** 2)
    hole = np.abs(below) < 1e-9  # at 0 and at 1 / (4 beta): the limits
    above = np.sin(np.pi * t * (1 - rolloff)) + 4 * rolloff * t * np.cos(np.pi * t * (1 + rolloff))
    pulse = np.divide(above, below, where=~hole, out=np.zeros_like(t))
    corner = np.pi / (4 * rolloff)
    edge = rolloff / np.sqrt(2) * ((1 + 2 / np.pi) * np.sin(corner) + (1 - 2 / np.pi) * np.cos(corner))
    pulse[hole] = np.where(t[hole] == 0, 1 - rolloff + 4 * rolloff / np.pi, edge)
    pulse /= np.sqrt(np.sum(pulse**2))
    pulse.setflags(write=False)
    return np.asarray(pulse)
