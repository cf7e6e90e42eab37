"""Imbalance of the two branches of a quadrature mixer, for numpy arrays and torch tensors alike."""

from __future__ import annotations

import cmath
import math
from typing import TypeVar

Array = TypeVar("Array")

__all__ = ["image_rejection_db", "iq_coefficients", "iq_imbalance"]


def iq_coefficients(amplitude_db: float, phase_deg: float) -> tuple[complex, complex]:
    r"""What the signal and its image are multiplied by.

    .. math:: \mu = \frac{g_I e^{-j \phi / 2} + g_Q e^{j \phi / 2}}{2 c}, \quad
        \nu = \frac{g_I e^{-j \phi / 2} - g_Q e^{j \phi / 2}}{2 c}, \quad g_I = 1 / g_Q = 10^{a / 40}

    a is the imbalance in dB, shared between the branches as the phase is; :math:`c^2 = (g_I^2 + g_Q^2) / 2` makes
    :math:`|\mu|^2 + |\nu|^2 = 1`, so that proper symbols (no correlation with their conjugate) keep their energy.

    Args:
        amplitude_db: I over Q amplitude in dB.
        phase_deg: Departure from 90 degrees between the branches.
    """
    i = cmath.rect(10 ** (amplitude_db / 40), -math.radians(phase_deg) / 2)
    q = cmath.rect(10 ** (-amplitude_db / 40), math.radians(phase_deg) / 2)
    c = math.sqrt((abs(i) ** 2 + abs(q) ** 2) / 2)
    return (i + q) / (2 * c), (i - q) / (2 * c)


def iq_imbalance(x: Array, *, amplitude_db: float, phase_deg: float) -> Array:
    r"""Mix a signal with its image.

    .. math:: y[n] = \mu\, x[n] + \nu\, x^*[n]

    Args:
        x: complex ``[..., n]``.
        amplitude_db: I over Q amplitude in dB.
        phase_deg: Departure from 90 degrees between the branches.

    Source: Schenk, RF Imperfections in High-rate Wireless Systems, chapter 5.
    """
    mu, nu = iq_coefficients(amplitude_db, phase_deg)
    return mu * x + nu * x.conj()  # type: ignore[attr-defined,operator,no-any-return]


def image_rejection_db(amplitude_db: float, phase_deg: float) -> float:
    r"""Image rejection ratio: energy of the signal over that of its image, in dB.

    .. math:: \mathrm{IRR} = \frac{|\mu|^2}{|\nu|^2} = \frac{1 + g^2 + 2 g \cos\phi}{1 + g^2 - 2 g \cos\phi}, \quad
        g = 10^{a / 20}

    Example:
        >>> round(image_rejection_db(1.0, 5.0), 2)
        22.83
    """
    mu, nu = iq_coefficients(amplitude_db, phase_deg)
    return math.inf if nu == 0 else 20 * math.log10(abs(mu) / abs(nu))
