"""A source that waits for a file, as a radio waits for its peer; for tests of the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Features


class Patient(Block):
    """Waits for the file, then gives one item for each of its lines and ends."""

    class Params(BlockParams):
        """Parameters."""

        path: str = Field("come", description="The file.")

    params: Params

    def work(self) -> Iterator[Features | None]:
        """Wait, then read."""
        try:
            while not Path(self.params.path).exists():
                yield None
                time.sleep(0.02)
            for line in Path(self.params.path).read_text().split():
                self.count(lost_samples=int(line))
                yield np.full(1, line, np.float32)
        finally:
            Path("let-go").write_text("")
