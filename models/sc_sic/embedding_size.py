r"""Which size of embedding suits a channel. Needs no torch.

An embedding of n real values of unit variance over noise carries about

.. math:: I = \frac{n}{2} \log_2(1 + \mathrm{SNR}), \quad n \propto d^2

bits, d being the downscale of the picture before the encoder. A receiver that is to get the same from every channel
therefore needs a larger embedding where the channel is poor, and has no use for one where it is good: a small one
then says as much, in fewer channel uses. The rule keeps I at what d = 0.75, the size of the published system, carries
at 7 dB. So d = 0.5 comes in from 17.4 dB on and d = 1 below 7 dB, where it holds I down to 2.4 dB: all three sizes have
a share of the 1 to 20 dB that networks are trained for. Over fading the mean Es/N0 stands in for the capacity, as it is
all that the transmitter knows.

Source: Shannon, Communication in the presence of noise, 1949, for I.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["REFERENCE_DOWNSCALE", "REFERENCE_ESN0_DB", "embedding_downscale"]

REFERENCE_DOWNSCALE = 0.75
REFERENCE_ESN0_DB = 7.0


def embedding_downscale(esn0_db: float, choices: Sequence[float]) -> float:
    """Return the smallest downscale that carries what the reference does; the largest where none does.

    Args:
        esn0_db: Mean Es/N0 in dB that the transmitter knows; the SNR per real dimension is the same.
        choices: Downscales to choose from, any order.
    """
    target = _bits(REFERENCE_DOWNSCALE, REFERENCE_ESN0_DB)
    enough = [choice for choice in choices if _bits(choice, esn0_db) >= target * (1 - 1e-9)]
    return min(enough, default=max(choices))


def _bits(downscale: float, esn0_db: float) -> float:
    """Proportional to what an embedding carries."""
    return downscale**2 * math.log2(1 + 10 ** (esn0_db / 10))
