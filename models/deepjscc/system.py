from __future__ import annotations

from ..system import System
from .names import NUMBERS

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="DeepJSCC: pictures straight to symbols, one network for four rates and 0 to 20 dB.",
    paper="Bourtsoulatze, Burth Kurka & Gunduz, Deep joint source-channel coding, IEEE TCCN 5(3), 2019",
    numbers=NUMBERS,
    weights=("adaptive", "linear", "quantised", "perceptual", "gan"),
    recipe="adaptive",
    codec="codec:Codec",
    engine="engine:load",
    training="training:DeepJsccRun",
    export="export:export_deepjscc",
)
