"""Log-normal shadowing, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import numpy as np

Array = TypeVar("Array")

__all__ = ["shadowing_gain"]

_NEPER = np.log(10.0) / 10  # natural logarithm of one decibel of power


def shadowing_gain(normals: Array, sigma_db: Any, reference: Literal["mean", "median"] = "mean") -> Array:
    r"""Amplitudes whose energy is log-normal.

    .. math:: h = 10^{(\sigma_\mathrm{dB} X + m) / 20}, \quad X \sim \mathcal{N}(0, 1)

    With ``mean``, :math:`m = -\sigma_\mathrm{dB}^2 \ln(10) / 20`, so that E|h|^2 = 1; with ``median``, m = 0, so that
    the median of |h|^2 is 1 and its mean :math:`e^{(\sigma_\mathrm{dB} \ln(10) / 10)^2 / 2}`.

    Args:
        normals: real, standard normal, drawn by the caller.
        sigma_db: Standard deviation of |h|^2 in dB.
        reference: What of the energy is one.

    Returns:
        Real amplitudes, the shape of ``normals``.

    Source: Goldsmith, Wireless Communications, section 2.7.
    """
    offset_db = -(sigma_db**2) * _NEPER / 2 if reference == "mean" else 0.0
    return 10.0 ** ((sigma_db * normals + offset_db) * 0.05)  # type: ignore[no-any-return]
