"""`sources/zeros`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from pydantic import Field

from ..block import Block
from ..params import BlockParams
from ..ports import Samples

__all__ = ["Zeros"]


class Zeros(Block):
    r"""Silence: zeros at a sample rate, to measure an engine or a noise source with.

    .. math:: x[n] = 0

    Output:  complex64 ``[chunk]``, the same array each time; the last chunk may be shorter.
    State:   none.
    Example: ``zeros: {use: sources/zeros, sample_rate_hz: 1e6, samples: 1000000}``
    """

    class Params(BlockParams):
        """Parameters."""

        sample_rate_hz: float = Field(1e6, gt=0, description="Sample rate in Hz.")
        chunk: int = Field(65536, ge=1, le=1 << 24, description="Samples an item.")
        samples: int | None = Field(None, ge=0, description="Samples in all; null for ever.")

    params: Params

    def work(self) -> Iterator[Samples]:
        """Yield the chunks."""
        p = self.params
        zeros = np.zeros(p.chunk, np.complex64)
        zeros.flags.writeable = False
        for offset in itertools.count(0, p.chunk):
            count = p.chunk if p.samples is None else min(p.chunk, p.samples - offset)
            if count <= 0:
                return
            yield zeros[:count]
