"""A source of numbered items, for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.params import BlockParams, Live
from semcom.blocks.ports import Features


class Numbers(Block):
    """Counts: item n is an array full of n."""

    class Params(BlockParams):
        """Parameters."""

        count: int = Field(100, ge=0, description="Items to make.")
        size: int = Field(4, ge=1, description="Values of an item.")
        interval: Live[float] = Field(0.0, ge=0, description="Seconds between two items.")

    params: Params

    def work(self) -> Iterator[Features]:
        """Count."""
        for number in range(self.params.count):
            yield np.full(self.params.size, number, np.float32)

    def interval_s(self) -> float:
        """Live."""
        return self.params.interval
