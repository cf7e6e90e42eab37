"""What SC-SIC calls its weights, and the numbers that stand for them in a header. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from ...sim.side_information.sc_sic_mode import DOWNSCALES
from ..weights.shipped import ShippedWeights

__all__ = ["DEFAULT", "NUMBERS", "SHIPPED", "Downscale", "Own", "Size", "Variant"]

Own = Literal["mini-48", "mini-48-clean", "mini-341"]
"""Of our training; these come with the package."""
Size = Literal["lite", "large", "tiny"]
"""Of full scale, and a tiny network of the same classes."""
Variant = Literal[Own, Size]
NUMBERS: dict[Variant, int] = {"mini-48": 32, "mini-48-clean": 33, "mini-341": 34, "lite": 35, "large": 36, "tiny": 37}
"""In ModelId."""
DEFAULT: Variant = next(iter(NUMBERS))
"""What users get who name none."""

SHIPPED = ShippedWeights(Path(__file__).parent)


def _one_of_the_sizes(value: float) -> float:
    if value not in DOWNSCALES:
        raise ValueError(f"expected auto or one of {', '.join(f'{one:g}' for one in DOWNSCALES)}, got {value:g}")
    return value


Downscale = Literal["auto"] | Annotated[float, AfterValidator(_one_of_the_sizes)] | None
"""Of a picture's sides before the encoder; None: the network's own; auto: as the channel asks for."""
