"""Items to bursts in a stream of samples, for tests of the engine."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.envelope import Annotation, Identity, Out
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Features, Samples


class Burst(Block):
    """Makes of each item a burst of 8 samples: 1000, its number, its value; then silence."""

    class Params(BlockParams):
        """Parameters."""

        sample_rate_hz: float = Field(1e6, gt=0, description="Sample rate in Hz.")

    params: Params

    def work(self, features: Features, identity: Identity) -> Out[Samples]:
        """Make one burst."""
        burst = np.zeros(8, np.complex64)
        burst[:3] = 1000, identity.seq, features.flat[0]
        return Out(burst, annotations=(Annotation(0, "burst_start", identity.seq),))
