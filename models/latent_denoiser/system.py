from __future__ import annotations

from ..system import System
from .names import NUMBERS

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="Latents over the channel and a diffusion that was trained for it: what was received is its condition.",
    paper="CASC: Condition-aware semantic communication with latent diffusion models",
    numbers=NUMBERS,
    recipe="mini-96",
    codec="codec:Codec",
    engine="engine:load",
    training="training:LatentDenoiserRun",
)
