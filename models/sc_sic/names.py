"""What SC-SIC calls its weights, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from ...sim.side_information.sc_sic_mode import DOWNSCALES
from ..weights.shipped import ShippedWeights

__all__ = ["NUMBERS", "SHIPPED", "Downscale", "Own", "Variant"]

Own = Literal["mini-48", "mini-48-clean", "mini-341"]
"""Of our training; these come with the package."""
Variant = Literal[Own, "lite", "large", "tiny"]
NUMBERS: dict[Variant, int] = {"mini-48": 32, "mini-48-clean": 33, "mini-341": 34, "lite": 35, "large": 36, "tiny": 37}
"""In ModelId."""

SHIPPED = ShippedWeights("sc-sic", Path(__file__).parent / "weights")


def _one_of_the_sizes(value: float) -> float:
    if value not in DOWNSCALES:
        raise ValueError(f"expected auto or one of {', '.join(f'{one:g}' for one in DOWNSCALES)}, got {value:g}")
    return value


Downscale = Literal["auto"] | Annotated[float, AfterValidator(_one_of_the_sizes)] | None
"""Of a picture's sides before the encoder; None: the network's own; auto: as the channel asks for."""
