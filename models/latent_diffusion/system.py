from __future__ import annotations

from typing import get_args

from ..system import System
from .names import NUMBERS, Own
from .published import PUBLICATION

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="Latent diffusion that never saw a channel: its noise is taken for a step of the diffusion.",
    paper="Enabling training-free semantic communication systems with generative diffusion models",
    numbers=NUMBERS,
    weights=get_args(Own),
    published=PUBLICATION,
    recipe="mini-96",
    codec="codec:Codec",
    engine="engine:load",
    training="training:LatentDiffusionRun",
    export="export:export_latent_diffusion",
)
