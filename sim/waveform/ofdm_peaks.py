"""What a limiter at the transmitter took off the peaks of OFDM symbols, reckoned back."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from .ofdm import Ofdm
from .peaks import Peaks

__all__ = ["without_distortion"]

_ROUNDS = 4


def without_distortion(
    waveform: Ofdm,
    peaks: Peaks,
    carriers: NDArray[np.complex64],
    n0: NDArray[np.float32],
) -> NDArray[np.complex64]:
    r"""Take the distortion of a limiter off equalised carriers.

    .. math:: S^{(i + 1)} = Y - D(w\, S^{(i)}), \quad D(S) = F L(F^{-1} S) / \alpha - S, \quad w = 1 / (1 + n_0)

    What was sent is told by what is known so far; the transmitter's limiter L is run on it, and its distortion taken
    off what was received. The gain alpha makes it that part which is not like the signal: that part is in the channel.
    It works on carriers, behind any multipath, and whatever the limiter puts on others. Pilots are carriers like others
    here, so that the noise beside them is that of the others.

    Args:
        waveform: What is sent.
        peaks: What the transmitter does about peaks; not ``keep``.
        carriers: complex64 ``[T, used]``, Y, equalised without bias.
        n0: float32 ``[T, used]``, noise variance of each.

    Returns:
        complex64 ``[T, used]``.

    Source: Chen & Haimovich, "Iterative estimation and cancellation of clipping noise for OFDM signals", IEEE Commun.
        Lett. 7(7), 2003.
    """
    weights = 1 / (1 + n0)
    cleaned = carriers
    for _ in range(_ROUNDS):
        likely = cleaned * weights
        limited = peaks.limited(waveform.in_time(likely), waveform.carriers)
        sent = scipy.fft.fft(limited, axis=-1)[:, waveform.carriers]
        gain = np.vdot(likely, sent) / max(float(np.vdot(likely, likely).real), 1e-30)
        cleaned = carriers - (sent / max(float(abs(gain)), 1e-30) - likely)
    return np.asarray(cleaned)
