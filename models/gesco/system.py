from __future__ import annotations

from ..system import System
from .names import NUMBERS

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="GESCO: a map of meanings crosses the channel, and diffusion draws a picture of that meaning.",
    paper="Grassucci, Barbarossa & Comminiello, Generative semantic communication: diffusion models beyond bit "
    "recovery, 2023",
    numbers=NUMBERS,
    weights=("mini",),
    recipe="mini",
    codec="codec:Codec",
    engine="engine:load",
    training="training:GescoRun",
    export="export:export_gesco",
)
