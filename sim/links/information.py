r"""What bit-wise demapping lets through: mutual information of a constellation in bits a use.

.. math:: I(\gamma) = H(S) - \sum_j H(B_j \mid Y), \quad y = s + w, \quad w \sim \mathcal{CN}(0, 1 / \gamma)

An ideal code of this many bits a use is decoded from the LLRs of its bits, as codes are here. The two dimensions of a
square Gray QAM are independent, so that it is twice what one of them lets through.

Source: Caire, Taricco & Biglieri, Bit-interleaved coded modulation, IEEE Trans. Inf. Theory 44(3), 1998; with points
that are not equally likely Boecherer, Steiner & Schulte, IEEE Trans. Commun. 63(12), 2015, equation 23.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..constellations.qam import half_distance, pam_levels

__all__ = ["bit_information"]

Values = NDArray[np.float64]
_GRID_DB = np.arange(-30.0, 61.0)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(24)


def bit_information(bits_per_symbol: int, law: tuple[float, ...] | None, esn0_db: Values) -> Values:
    """Bits a use, interpolated between whole dB.

    Args:
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.
        law: Of the amplitudes, as `half_distance` takes it.
        esn0_db: Es/N0 in dB, any shape; beyond -30 and 60 as there.

    Raises:
        SignalError: no such order, or a law of another number of amplitudes.

    >>> bit_information(2, None, np.array([0.0, 30.0])).round(3).tolist()
    [0.972, 2.0]
    """
    return np.interp(esn0_db, _GRID_DB, _on_grid(bits_per_symbol, law))


@lru_cache(maxsize=256)
def _on_grid(bits_per_symbol: int, law: tuple[float, ...] | None) -> Values:
    k = bits_per_symbol // 2
    levels = half_distance(bits_per_symbol, law) * pam_levels(bits_per_symbol)
    likely = np.full(2**k, 0.5**k) if law is None else np.array(law)[abs(pam_levels(bits_per_symbol)) // 2] / 2
    likely = np.maximum(likely, 1e-300)
    is_one = np.arange(2**k)[:, None] >> np.arange(k - 1, -1, -1) & 1 == 1  # [2 ** k, k]
    found = []
    for esn0_db in _GRID_DB:
        variance = 0.5 * 10 ** (-esn0_db / 10)
        received = levels[:, None] + np.sqrt(variance) * _NODES
        metric = np.log(likely) - (received[..., None] - levels) ** 2 / (2 * variance)
        posterior = np.exp(metric - metric.max(-1, keepdims=True))
        posterior /= posterior.sum(-1, keepdims=True)
        one = posterior @ is_one  # [2 ** k, nodes, k]: P(1) of each bit
        right = np.where(is_one[:, None], one, 1 - one).clip(1e-300)
        doubt = -np.log2(right) @ np.ones(k) @ (_WEIGHTS / _WEIGHTS.sum())
        found.append(-2 * likely @ (np.log2(likely) + doubt))
    table: Values = np.maximum(np.array(found), 0)
    table.setflags(write=False)
    return table
