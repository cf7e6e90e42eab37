"""Holds items back, for tests of the engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Identity, Out
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Features


class Hold(Block):
    """Passes items on, each ``items`` items late."""

    class Params(BlockParams):
        """Parameters."""

        items: int = Field(8, ge=1, description="Items to hold.")

    params: Params

    def start(self) -> None:
        """Begin with nothing held."""
        self.held: deque[tuple[Identity, np.ndarray]] = deque()

    def work(self, features: Features, identity: Identity) -> Out[Features] | None:
        """Hold."""
        self.held.append((identity, features))
        if len(self.held) <= self.params.items:
            return None
        held, value = self.held.popleft()
        return Out(value, identity=held)

    def finish(self, run: RunContext) -> Iterator[Out[Features]]:
        """Flush."""
        while self.held:
            held, value = self.held.popleft()
            yield Out(value, identity=held)
