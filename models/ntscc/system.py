from __future__ import annotations

from ..system import System
from .names import NUMBERS

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="NTSCC: a nonlinear transform whose entropy model says how much each patch sends.",
    paper="Wang et al., Improved nonlinear transform source-channel coding to catalyze semantic communications, IEEE "
    "JSTSP 2023; Dai et al., Nonlinear transform source-channel coding for semantic communications, IEEE JSAC 2022",
    numbers=NUMBERS,
    weights=("midi", "mini", "small"),
    recipe="small",
    codec="codec:Codec",
    engine="engine:load",
    training="training:NtsccRun",
    export="export:export_ntscc",
)
