"""What a transmitter is told of the link for one picture."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ...errors import SignalError
from ..ports import Link

__all__ = ["LinkSettings", "read_link"]

_DENOMINATOR = 4096  # of a CBR that is a fraction such as 1/12: single precision tells them apart
_LEAST_DB, _MOST_DB = -30.0, 60.0  # of what encoders reckon with


class LinkSettings(NamedTuple):
    """CBR to use, and Es/N0 in dB to reckon with."""

    cbr: float | Fraction
    esn0_db: float

    def packed(self) -> Link:
        """Return it as an item: float32 ``[2]``."""
        return np.array(self, np.float32)


def read_link(who: str, link: Link) -> LinkSettings:
    """Read what a controller gave.

    Args:
        who: The block, for messages.
        link: float32 ``[2]``.

    Raises:
        SignalError: they are none.
    """
    if not np.isfinite(link).all() or not 0 < link[0] <= 1000:
        raise SignalError(f"{who}: link: expected a CBR and an Es/N0 in dB, got {link.tolist()}")
    return LinkSettings(_ratio(link[0]), float(np.clip(link[1], _LEAST_DB, _MOST_DB)))


def _ratio(value: np.float32) -> Fraction:
    """Return the fraction that was rounded to single precision: rounded down, it would be a channel use less."""
    near = Fraction(float(value)).limit_denominator(_DENOMINATOR)
    return near if np.float32(near) == value else Fraction(float(value))
