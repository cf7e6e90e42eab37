from __future__ import annotations

from typing import get_args

from ..system import System
from .names import NUMBERS, Own
from .published import PUBLICATION

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="SC-SIC: an embedding of a few hundred values, and Stable Cascade's stages B and A, which paint from it.",
    paper="Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025",
    numbers=NUMBERS,
    weights=get_args(Own),
    published=PUBLICATION,
    recipe="mini-48",
    codec="codec:Codec",
    engine="engine:load",
    training="training:ScSicRun",
    export="export:export_sc_sic",
)
