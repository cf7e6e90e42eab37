"""What both ends know of a batch of frames."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

__all__ = ["Told"]


class Told(NamedTuple):
    """What both ends know of a batch of frames: the transmitter's choices, which the header carries."""

    levels: Tensor  # [b, h, w] int64: of each patch
    eta_index: Tensor  # [b] int64: the nearest of `rate_map.ETAS`
    esn0_db: Tensor  # [b]: the Es/N0 that the transmitter reckoned with
