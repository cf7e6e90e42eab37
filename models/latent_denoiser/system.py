from __future__ import annotations

from typing import get_args

from ..system import System
from .names import NUMBERS, Variant

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="Latents over the channel and a diffusion that was trained for it: what was received is its condition.",
    paper="CASC: Condition-aware semantic communication with latent diffusion models",
    numbers=NUMBERS,
    weights=get_args(Variant),
    recipe="mini-96",
    codec="codec:Codec",
    engine="engine:load",
    training="training:LatentDenoiserRun",
)
