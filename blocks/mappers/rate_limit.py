"""`mappers/rate_limit`."""

from __future__ import annotations

from pydantic import Field

from ..block import Block
from ..params import BlockParams, Live
from ..ports import Image

__all__ = ["RateLimit"]


class RateLimit(Block):
    r"""Lets at most so many pictures a second through, as a camera would.

    .. math:: t[n+1] - t[n] \ge 1 / \mathrm{items\_per\_s}

    The runtime keeps the time, not the block, and what stands before it waits; only an edge that says so drops.

    Input:   image: uint8 ``[H, W, 3]``.
    Output:  uint8 ``[H, W, 3]``, the same picture.
    State:   none.
    Example: ``pace: {use: mappers/rate_limit, items_per_s: 25}``
    """

    class Params(BlockParams):
        """Parameters."""

        items_per_s: Live[float] = Field(25.0, gt=0, le=1e6, description="Most pictures a second.")

    params: Params

    def interval_s(self) -> float:
        """Least time between two pictures."""
        return 1.0 / self.params.items_per_s

    def work(self, image: Image) -> Image:
        """Pass the picture on."""
        return image
