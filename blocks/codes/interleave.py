"""`codes/interleave`."""

from __future__ import annotations

from pydantic import Field

from ...sim.codes.interleaver import InterleaverKind, interleaver_order
from ..block import Block
from ..params import BlockParams
from ..ports import Bits

__all__ = ["Interleave", "InterleaverParams"]


class InterleaverParams(BlockParams):
    """Parameters that both ends agree on."""

    kind: InterleaverKind = Field("random", description="block: rows written, columns read; random: by the seed.")
    rows: int = Field(16, ge=1, le=65536, description="Rows of the rectangle (block).")
    seed: int = Field(
        0, ge=0, lt=2**63, description="Of the permutation (random), the same at both ends; not the run's."
    )


class Interleave(Block):
    r"""Sends bits in another order, so that errors which come in bursts are spread.

    .. math:: y[n] = x[\pi(n)]

    ``block`` writes them row by row into a rectangle and reads column by column; ``random`` is a permutation that the
    seed alone decides. ``codes/deinterleave`` with the same parameters undoes it.

    Input:   bits: uint8 ``[n]``.
    Output:  uint8 ``[n]``.
    State:   none.
    Example: ``spread: {use: codes/interleave, kind: block, rows: 8}``
    """

    Params = InterleaverParams
    params: InterleaverParams

    def work(self, bits: Bits) -> Bits:
        """Reorder one frame."""
        p = self.params
        return bits[interleaver_order(bits.size, p.kind, rows=p.rows, seed=p.seed)]
