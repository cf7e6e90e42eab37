"""Parameters of blocks: one frozen pydantic model a block, and the only list of them."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict

__all__ = ["BlockParams", "Live", "live_names"]

T = TypeVar("T")


class _LiveMark:
    """Marks a parameter that may change between two items of a running flowgraph."""

    def __repr__(self) -> str:
        return "Live"


Live = Annotated[T, _LiveMark()]
"""``esn0_db: Live[float]``: `semcom set` may change this parameter while the flowgraph runs."""


class BlockParams(BaseModel):
    """Base of every block's ``Params``: frozen, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


def live_names(params: type[BlockParams]) -> frozenset[str]:
    """Names of the parameters that may change while the block runs."""
    return frozenset(
        name
        for name, field in params.model_fields.items()
        if any(isinstance(mark, _LiveMark) for mark in field.metadata)
    )
