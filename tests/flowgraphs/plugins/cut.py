"""A stream that is cut anew, anywhere, for tests of what must not hang on its chunks."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block, RunContext
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Samples


class Cut(Block):
    """Gives the samples on in chunks of 1 to ``most``, whatever the chunks were in which they came."""

    class Params(BlockParams):
        """Parameters."""

        most: int = Field(100, ge=0, description="Samples of the longest chunk; 0: all in one.")
        cuts: int = Field(0, description="Seed of the places.")

    params: Params

    def start(self) -> None:
        """Nothing has come yet."""
        self._kept = np.empty(0, np.complex64)
        self._random = random.Random(self.params.cuts)
        self._next = 1

    def work(self, samples: Samples) -> Iterator[Samples]:
        """Cut what has come; keep the rest."""
        self._kept = np.concatenate([self._kept, samples])
        while self.params.most and self._kept.size >= self._next:
            yield self._kept[: self._next].copy()
            self._kept = self._kept[self._next :]
            self._next = self._random.randint(1, self.params.most)

    def finish(self, run: RunContext) -> Iterator[Samples]:
        """Give the rest."""
        if self._kept.size:
            yield self._kept
