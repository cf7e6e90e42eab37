"""What an ideal code carries: capacity in bits per channel use, without and with fading."""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fading", "capacity_of_gain", "ergodic_capacity", "gain_quantile", "outage_capacity"]

Fading = Literal["none", "rayleigh", "rician"]


def capacity_of_gain(esn0_db: float, gain: float) -> float:
    r"""Capacity at a known power gain.

    .. math:: \log_2(1 + |h|^2\, E_s / N_0)

    Args:
        esn0_db: Mean Es/N0 in dB.
        gain: Power gain, with mean 1 over the fading; 1 for AWGN.

    Source: Tse & Viswanath, Fundamentals of Wireless Communication, equation 5.12.
    """
    return math.log2(1 + gain * 10 ** (esn0_db / 10))


@functools.lru_cache(maxsize=256)  # a frame asks anew, and the integral takes milliseconds
def ergodic_capacity(esn0_db: float, fading: Fading, k_db: float = 6.0) -> float:
    r"""Mean capacity over fading that a frame sees all of; the transmitter knows its mean alone.

    .. math:: \mathrm{E} \log_2(1 + |h|^2 \gamma), \quad
        \text{Rayleigh: } \tfrac{1}{\ln 2}\, e^{1 / \gamma}\, E_1(1 / \gamma), \quad \gamma = E_s / N_0

    Args:
        esn0_db: Mean Es/N0 in dB; E|h|^2 = 1.
        fading: Law of the gain.
        k_db: K factor in dB, for ``rician``.

    Source: Tse & Viswanath, section 5.4.5 (ergodic capacity); the Rician gain is noncentral chi-square, integrated
        numerically.

    >>> round(ergodic_capacity(10, "none"), 4), round(ergodic_capacity(10, "rayleigh"), 4)
    (3.4594, 2.9065)
    """
    from scipy.integrate import quad
    from scipy.special import exp1

    if fading == "none":
        return capacity_of_gain(esn0_db, 1.0)
    snr = 10 ** (esn0_db / 10)
    if fading == "rayleigh" and snr > 0.005:  # below, exp and exp1 leave the range of numbers
        return float(math.exp(1 / snr) * exp1(1 / snr) / math.log(2))
    # By parts: E f(g) = integral of f'(g) P(gain > g); beyond 60 the tail is under 1e-20 for any K of 0 and more
    value, _ = quad(lambda g: snr / (1 + snr * g) * _above(g, fading, k_db), 0, 60, points=[0.1, 1, 3], limit=200)
    return float(value / math.log(2))


def outage_capacity(esn0_db: float, fading: Fading, outage: float, k_db: float = 6.0) -> float:
    r"""Rate above which a frame of one gain fails with a stated probability.

    .. math:: C_\epsilon = \log_2(1 + F^{-1}(\epsilon)\, \gamma), \quad
        \text{Rayleigh: } F^{-1}(\epsilon) = -\ln(1 - \epsilon)

    Args:
        esn0_db: Mean Es/N0 in dB; E|h|^2 = 1.
        fading: Law of the gain.
        outage: Probability that the gain is less; above 0 and below 1.
        k_db: K factor in dB, for ``rician``.

    Source: Tse & Viswanath, equation 5.57.

    >>> round(outage_capacity(10, "rayleigh", 0.01), 4)
    0.1382
    """
    if fading == "none":
        return capacity_of_gain(esn0_db, 1.0)
    return capacity_of_gain(esn0_db, float(gain_quantile(np.array([outage]), fading, k_db)[0]))


def gain_quantile(share: NDArray[np.float64], fading: Fading, k_db: float = 6.0) -> NDArray[np.float64]:
    r"""Power gain that a share of gains does not exceed: :math:`F^{-1}`, with mean 1 over the fading.

    Args:
        share: Above 0 and below 1.
        fading: Law of the gain.
        k_db: K factor in dB, for ``rician``.

    >>> gain_quantile(np.array([0.5]), "rayleigh").round(4).tolist()
    [0.6931]
    """
    if fading == "none":
        return np.ones_like(share)
    if fading == "rayleigh":
        return -np.log1p(-share)
    from scipy.stats import ncx2  # which takes half a second to import

    k = 10 ** (k_db / 10)
    gains: NDArray[np.float64] = ncx2.ppf(share, 2, 2 * k) / (2 * (k + 1))
    return gains


def _above(gain: float, fading: Fading, k_db: float) -> float:
    """Probability that the power gain is above a number."""
    if fading == "rayleigh":
        return math.exp(-gain)
    from scipy.stats import ncx2

    k = 10 ** (k_db / 10)
    return float(ncx2.sf(gain * 2 * (k + 1), 2, 2 * k))
