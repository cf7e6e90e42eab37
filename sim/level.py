"""The level of samples on their way to a device: scale, headroom, and what is no number."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Driven", "drive", "finite"]


class Driven(NamedTuple):
    """Samples as a device gets them.

    Attributes:
        samples: complex64 ``[n]``.
        clipped: Samples of which I or Q was beyond the limit.
    """

    samples: NDArray[np.complex64]
    clipped: int


def drive(samples: NDArray[np.complex64], scale_db: float, headroom_db: float | None) -> Driven:
    r"""Scale samples, and clip I and Q where a converter would.

    .. math:: y = \mathrm{clip}(10^{s/20}\, x), \quad |\mathrm{Re}\, y|, |\mathrm{Im}\, y| \le 10^{-h/20}

    Args:
        samples: complex64 ``[n]``; a device takes I and Q from -1 to 1.
        scale_db: s in dB.
        headroom_db: h in dB below full scale; None clips nothing.
    """
    if scale_db:
        samples = samples * np.float32(10 ** (scale_db / 20))
    if headroom_db is None or not samples.size:
        return Driven(samples, 0)
    parts, limit = samples.view(np.float32), np.float32(10 ** (-headroom_db / 20))
    if max(parts.max(), -parts.min()) <= limit:
        return Driven(samples, 0)
    beyond = (np.abs(parts) > limit).reshape(-1, 2).any(axis=1)
    return Driven(np.clip(parts, -limit, limit).view(np.complex64), int(beyond.sum()))


def finite(samples: NDArray[np.complex64]) -> tuple[NDArray[np.complex64], int]:
    """Return samples with 0 in place of those that are not a number or infinite, and how many these were."""
    if np.isfinite(samples.view(np.float32)).all():
        return samples, 0
    good = np.isfinite(samples)
    return np.where(good, samples, np.complex64(0)), samples.size - int(good.sum())
