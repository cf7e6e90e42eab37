"""A channel that loses bursts, sends them twice and out of order, and cuts the stream anew, for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block, RunContext
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Samples


class Air(Block):
    """Keeps the bursts of 8 samples, and lets those out that ``order`` names, in chunks of ``chunk`` samples."""

    class Params(BlockParams):
        """Parameters."""

        order: list[int] = Field([], description="Which bursts arrive, and when.")
        chunk: int = Field(5, ge=1, description="Samples of a chunk that goes out.")

    params: Params

    def start(self) -> None:
        """Nothing has come yet."""
        self.kept = np.empty(0, np.complex64)

    def work(self, samples: Samples) -> Samples | None:
        """Keep what comes; give nothing yet."""
        self.kept = np.concatenate([self.kept, samples])
        return None

    def finish(self, run: RunContext) -> Iterator[Samples]:
        """Let the bursts out."""
        bursts = self.kept.reshape(-1, 8)
        out = bursts[self.params.order].reshape(-1) if self.params.order else bursts[:0].reshape(-1)
        for at in range(0, out.size, self.params.chunk):
            yield out[at : at + self.params.chunk].copy()
