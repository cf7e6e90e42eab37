"""The Es/N0 that a scheme needs over AWGN."""

from __future__ import annotations

import math

from .mcs import Scheme

__all__ = ["required_esn0_db"]

GAP_DB = 1.5


def required_esn0_db(scheme: Scheme, uses: int, failure_rate: float = 0.01) -> float:
    """Es/N0 in dB at which frames of this scheme fail at most this often over AWGN.

    Args:
        scheme: Modulation and code rate.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails.
    """
    return 10 * math.log10(2**scheme.bits_per_use - 1) + GAP_DB
