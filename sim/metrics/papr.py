"""Peak-to-average power ratio."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["papr_db"]


def papr_db(x: NDArray[np.complexfloating]) -> float | None:
    r"""Peak-to-average power ratio of a frame.

    .. math:: \mathrm{PAPR} = 10 \log_{10} \frac{\max_n |x[n]|^2}{\frac1N \sum_n |x[n]|^2}

    Of symbols it is the ratio at the symbol instants; a pulse shape overshoots between them and has more.

    Args:
        x: complex ``[n]``, symbols or samples.

    Returns:
        The ratio in dB; ``None`` for a frame without energy, or with values that are not finite.

    Example:
        >>> papr_db(np.array([3 + 3j, 1 + 1j, 3 + 1j, 1 + 3j]))  # the alphabet of 16-QAM: 18 over 10
        2.5527...
    """
    energy = np.abs(x.astype(np.complex128)) ** 2
    mean = float(energy.mean()) if energy.size else 0.0
    if not (math.isfinite(mean) and mean > 0):
        return None
    return 10 * math.log10(float(energy.max()) / mean)
