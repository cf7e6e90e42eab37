from __future__ import annotations

from ..system import System
from .names import NUMBERS

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="SwinJSCC: windows of attention, and gates that know Es/N0 and rate, in place of convolutions.",
    paper="Yang et al., SwinJSCC: taming Swin Transformer for deep joint source-channel coding, IEEE TCCN 2024",
    numbers=NUMBERS,
    weights=("mini",),
    recipe="small",
    codec="codec:Codec",
    engine="engine:load",
    training="training:SwinJsccRun",
    export="export:export_swinjscc",
)
