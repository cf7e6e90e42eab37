"""`sources/tone`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from pydantic import Field

from ..block import Block
from ..params import BlockParams
from ..ports import Samples

__all__ = ["Tone"]


class Tone(Block):
    r"""A complex exponential.

    .. math:: x[n] = A\, e^{j 2 \pi f n / f_s}

    Output:  complex64 ``[chunk]``; the last chunk may be shorter.
    State:   none: sample n is computed from n, in double precision, and does not depend on the chunk length.
    Example: ``tone: {use: sources/tone, frequency_hz: 1e3, sample_rate_hz: 48e3, samples: 48000}``
    """

    class Params(BlockParams):
        """Parameters."""

        frequency_hz: float = Field(1000.0, description="f in Hz; negative turns the other way.")
        amplitude: float = Field(1.0, ge=0, description="A; the mean power is its square.")
        sample_rate_hz: float = Field(48000.0, gt=0, description="f_s in Hz.")
        chunk: int = Field(65536, ge=1, le=1 << 24, description="Samples an item.")
        samples: int | None = Field(None, ge=0, description="Samples in all; null for ever.")

    params: Params

    def work(self) -> Iterator[Samples]:
        """Yield the chunks."""
        p = self.params
        for offset in itertools.count(0, p.chunk):
            count = p.chunk if p.samples is None else min(p.chunk, p.samples - offset)
            if count <= 0:
                return
            turns = np.remainder(np.arange(offset, offset + count) * p.frequency_hz, p.sample_rate_hz)
            yield (p.amplitude * np.exp(2j * np.pi / p.sample_rate_hz * turns)).astype(np.complex64)
