from __future__ import annotations

from ..system import System
from .names import NUMBERS

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="HEVC or VVC over any digital link, and at its receiver a conditional diffusion of what the picture lacks.",
    paper=(
        "the receiver of Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion "
        "models, IEEE Wireless Commun. Lett. 2025, whose condition is here the picture of ITU-T H.265 or H.266"
    ),
    numbers=NUMBERS,
    weights=("hevc-d", "hevc-p", "vvc-d", "vvc-p"),
    recipe="hevc-d",
    engine="engine:load",
    training="training:CodecDiffusionRun",
)
