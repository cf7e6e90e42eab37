"""Parameters that spreading and gathering share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..params import BlockParams

__all__ = ["SpreadingParams"]


class SpreadingParams(BlockParams):
    """Parameters; both ends need the same."""

    spreading: Literal["frame", "none"] = Field(
        "frame", description="Spread each value over the whole frame, or leave symbols as they are."
    )
