"""Es/N0 as measured, with its confidence interval."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["EsN0", "esn0_from_energies", "mean_esn0_db", "measure_esn0"]


class EsN0(NamedTuple):
    """A measured Es/N0: the value, the ends of its confidence interval, and the complex symbols it rests on."""

    esn0_db: float
    low_db: float
    high_db: float
    symbols: int


def esn0_from_energies(
    signal_energy: float,
    noise_energy: float,
    symbols: int,
    *,
    confidence: float = 0.99,
    gain_variance: float = 0.0,
    gains: int = 1,
) -> EsN0:
    r"""Es/N0 from the energies that a simulated channel knows apart.

    .. math:: \frac{E_s}{N_0} = \frac{\sum_n |h[n]\, x[n]|^2}{\sum_n |N_0^{1/2} w[n]|^2}

    The interval holds the Es/N0 that the channel was set to with the given probability. The noise energy of n symbols
    over N0 is half a chi-squared variable with 2 n degrees of freedom; with fading, the mean of the gains varies
    besides, which enters by the delta method (gains: normal for many, so give at least some tens).

    Args:
        signal_energy: Sum of \|h x\|^2.
        noise_energy: Sum of the noise's \|.\|^2.
        symbols: Complex symbols summed over.
        confidence: Probability that the interval covers.
        gain_variance: Variance of \|h\|^2: 0 without fading, 1 for Rayleigh, (2 K + 1) / (K + 1)^2 for Rician.
        gains: Independent gains summed over.

    Raises:
        SignalError: No symbols, an energy that is not a finite positive number, or a confidence outside (0, 1).
    """
    from scipy.special import gammaincinv, ndtri  # scipy.stats takes half a second to import

    if symbols < 1 or gains < 1:
        raise SignalError(f"esn0: expected at least 1 symbol and 1 gain, got {symbols} and {gains}")
    if not 0 < confidence < 1:
        raise SignalError(f"esn0: expected a confidence between 0 and 1, got {confidence}")
    for name, energy in (("signal", signal_energy), ("noise", noise_energy)):
        if not (math.isfinite(energy) and energy > 0):
            raise SignalError(f"esn0: expected a finite {name} energy above 0, got {energy}")
    esn0_db = 10 * math.log10(signal_energy / noise_energy)
    if gain_variance > 0:
        deviation_db = 10 / math.log(10) * math.sqrt(1 / symbols + gain_variance / gains)
        half_db = -float(ndtri((1 - confidence) / 2)) * deviation_db
        return EsN0(esn0_db, esn0_db - half_db, esn0_db + half_db, symbols)
    # quantiles of the chi-squared distribution of 2 n degrees of freedom, halved
    low, high = (float(gammaincinv(symbols, p)) for p in ((1 - confidence) / 2, (1 + confidence) / 2))
    return EsN0(
        esn0_db,
        esn0_db + 10 * math.log10(low / symbols),
        esn0_db + 10 * math.log10(high / symbols),
        symbols,
    )


def mean_esn0_db(esn0_db: NDArray[np.floating]) -> float:
    r"""Mean of Es/N0 over items, in dB: the mean is taken of the ratio, as E|h|^2 = 1 is one of energies.

    .. math:: 10 \log_{10} \frac{1}{I} \sum_i 10^{\mathrm{esn0\_db}_i / 10}

    A mean of decibels would be lower: by 2.51 dB over gains of Rayleigh fading.

    Args:
        esn0_db: real, at least one: Es/N0 of each item in dB.
    """
    return 10 * math.log10(float(np.mean(10 ** (np.asarray(esn0_db, np.float64) / 10))))


def measure_esn0(
    sent: NDArray[np.complexfloating], received: NDArray[np.complexfloating], *, confidence: float = 0.99
) -> EsN0:
    """Es/N0 of a channel without fading, from what went in and what came out.

    Args:
        sent: complex ``[n]``, the symbols before the channel.
        received: complex ``[n]``, the same symbols after it.
        confidence: Probability that the interval covers.

    Raises:
        SignalError: The arrays are not complex and of one shape, or hold no energy.
    """
    for name, x in (("sent", sent), ("received", received)):
        if not np.iscomplexobj(x):
            raise SignalError(f"esn0: expected {name} complex [n], got {x.dtype} {list(x.shape)}: pair the reals first")
    if sent.shape != received.shape:
        raise SignalError(f"esn0: expected one shape, got sent {list(sent.shape)} and received {list(received.shape)}")
    noise = received.astype(np.complex128) - sent
    signal_energy = float(np.sum(np.abs(sent.astype(np.complex128)) ** 2))
    return esn0_from_energies(signal_energy, float(np.sum(np.abs(noise) ** 2)), sent.size, confidence=confidence)
