"""How many channel uses a frame may take. Needs no torch."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np

from ...errors import SignalError
from ...sim.bandwidth import robust_uses
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.power_scale import PowerScale
from ...sim.side_information.rate_map import RateMap
from .rate_map import LEVELS, PATCH

__all__ = ["frame_uses"]


def frame_uses(system: str, cbr: float | str, rate_map: Literal["sent", "given"], height: int, width: int) -> float:
    """Return the complex channel uses that a CBR leaves for payload and rate map of a picture of so many pixels.

    Args:
        system: Whose frame; what messages name.
        cbr: Complex channel uses, header included, over 3 h w at most: a number, or a fraction as a text.
        rate_map: Sent and charged, or given.
        height: Of the picture in pixels.
        width: Of the picture in pixels.

    Raises:
        SignalError: less than the least that there is.
    """
    fixed = ImageShape(height, width), ModelId(0, 0), CdmMode(0, 0), PowerScale(1.0)
    header_uses = robust_uses(sum(field.bits() for field in fixed))
    grid = -(-height // PATCH), -(-width // PATCH)
    payload = LEVELS[0] // 2 * grid[0] * grid[1]
    least_map = robust_uses(RateMap.of(np.zeros(grid, np.uint8)).bits()) if rate_map == "sent" else 0
    total = math.floor(Fraction(cbr) * 3 * height * width)
    if total < payload + least_map + header_uses:
        least = (payload + least_map + header_uses) / (3 * height * width)
        unit = 10.0 ** (math.floor(math.log10(least)) - 2)  # three digits, rounded up: what it names must do
        raise SignalError(
            f"{system}: expected a CBR of at least {math.ceil(least / unit) * unit:.3g} for {height} x {width} "
            f"pixels ({payload} uses of payload, {least_map + header_uses} of header), got {cbr}; raise cbr, or send a "
            "larger picture"
        )
    return total - header_uses
