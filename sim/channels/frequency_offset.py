"""Carrier frequency offset and its estimate from pilots."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..arrays import array_module, float_index, like

Array = TypeVar("Array")  # a numpy array or a torch tensor; what goes in comes out

__all__ = ["FrequencyEstimate", "estimate_frequency", "frequency_offset"]

_OVERSAMPLING = 8  # bins of the search per period of the pilots: Newton's steps start well inside the main lobe
_STEPS = 5  # of Newton's method; it converges quadratically


def frequency_offset(x: Array, cfo: Any, phase: Any = 0.0, *, start: int = 0) -> Array:
    r"""Rotate by a phase that grows with time.

    .. math:: y[n] = x[n]\, e^{j (2 \pi \nu (n_0 + n) + \theta)}

    Args:
        x: complex ``[..., n]``.
        cfo: :math:`\nu`, the offset in cycles per symbol: cfo_hz / symbol_rate_hz.
        phase: :math:`\theta` in radians.
        start: n_0, the number of the first symbol.
    """
    turns = cfo * float_index(start, x.shape[-1], x)  # type: ignore[attr-defined]
    angle = 2 * np.pi * (turns - turns.round()) + phase
    return x * like(array_module(x).exp(1j * angle), x)  # type: ignore[no-any-return]


class FrequencyEstimate(NamedTuple):
    """Estimated offset in cycles per symbol, and phase in radians at symbol 0."""

    cfo: float
    phase: float


def estimate_frequency(pilots: NDArray[np.complexfloating], spacing: int = 1) -> FrequencyEstimate:
    r"""Maximum-likelihood estimate of one frequency: the peak of the periodogram of the pilots.

    .. math:: \hat\nu = \arg\max_\nu \Big| \sum_k z_k\, e^{-j 2 \pi \nu D k} \Big|^2, \quad
        \operatorname{var}(2 \pi \hat\nu) \ge \frac{6 N_0}{E_s P (P^2 - 1) D^2}

    Offsets of \|nu\| below 1 / (2 D) are told apart. Found by an FFT, then by Newton's method. The bound (Cramer and
    Rao, unknown phase) is met above a threshold of Es/N0 that falls with the number of pilots P.

    Args:
        pilots: complex ``[P]``: received pilots divided by the sent ones; pilot k stands at symbol D k.
        spacing: D, in symbols.

    Raises:
        SignalError: fewer than two pilots, or a spacing below one.

    Source: Rife & Boorstyn, "Single-tone parameter estimation from discrete-time observations", IEEE Trans. Inf.
        Theory 20(5), 1974.
    """
    if pilots.ndim != 1 or pilots.size < 2 or spacing < 1:
        raise SignalError(
            f"cfo: expected at least 2 pilots and a spacing of at least 1, got shape {list(pilots.shape)} and {spacing}"
        )
    z = pilots.astype(np.complex128)
    length = _OVERSAMPLING << (z.size - 1).bit_length()
    nu = float(np.fft.fftfreq(length)[np.argmax(np.abs(np.fft.fft(z, length)))])
    k = np.arange(z.size) - (z.size - 1) / 2  # centred: frequency and phase then do not disturb each other
    for _ in range(_STEPS):
        turned = z * np.exp(-2j * np.pi * nu * k)
        total, first, second = turned.sum(), (-1j * k * turned).sum(), (-(k**2) * turned).sum()
        slope = (total.conj() * first).real
        curvature = float(abs(first) ** 2 + (total.conj() * second).real)
        if curvature >= 0:  # flat: all pilots are zero
            break
        nu -= float(slope / curvature) / (2 * np.pi)
    phase = float(np.angle((z * np.exp(-2j * np.pi * nu * np.arange(z.size))).sum()))
    return FrequencyEstimate(nu / spacing, phase)
