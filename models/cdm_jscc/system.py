from __future__ import annotations

from ..system import System
from .names import NUMBERS

__all__ = ["SYSTEM"]

SYSTEM = System(
    module=__name__,
    doc="CDM-JSCC: as many symbols as each patch needs, and a conditional diffusion model that decodes them.",
    paper=(
        "Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE "
        "Wireless Commun. Lett. 2025"
    ),
    numbers=NUMBERS,
    weights=("d", "p", "ntscc-p"),
    recipe="small-d",
    codec="codec:Codec",
    engine="engine:load",
    training="training:CdmJsccRun",
    export="export:export_cdm_jscc",
)
