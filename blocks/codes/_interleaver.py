"""Parameters of both ends of an interleaver."""

from __future__ import annotations

from pydantic import Field

from ...sim.codes.interleaver import InterleaverKind
from ..params import BlockParams

__all__ = ["InterleaverParams"]


class InterleaverParams(BlockParams):
    """Parameters that both ends agree on."""

    kind: InterleaverKind = Field("random", description="block: rows written, columns read; random: by the seed.")
    rows: int = Field(16, ge=1, le=65536, description="Rows of the rectangle (block).")
    seed: int = Field(
        0, ge=0, lt=2**63, description="Of the permutation (random), the same at both ends; not the run's."
    )
