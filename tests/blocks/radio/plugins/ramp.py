"""A stream whose sample n is n, with annotations; for tests of radios."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.envelope import Annotation, Out
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Samples


class Ramp(Block):
    """Counts, and says ``mark`` of the first sample of each chunk."""

    class Params(BlockParams):
        """Parameters."""

        chunk: int = Field(1000, ge=1, description="Samples an item.")
        samples: int | None = Field(None, description="In all; null for ever.")
        interval: float = Field(0.0, description="Seconds between two chunks.")
        sample_rate_hz: float = Field(1e6, description="In Hz.")

    params: Params

    def work(self) -> Iterator[Out[Samples]]:
        """Count."""
        p = self.params
        for offset in itertools.count(0, p.chunk):
            if p.samples is not None and offset >= p.samples:
                return
            values = np.arange(offset, offset + p.chunk).astype(np.complex64)
            yield Out(values, annotations=(Annotation(0, "mark", offset),))

    def interval_s(self) -> float:
        """As told."""
        return self.params.interval
