"""Multiplies, and fails when told to, for tests of the engine."""

from __future__ import annotations

import time

from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.envelope import Identity
from semcom.blocks.params import BlockParams, Live
from semcom.blocks.ports import Features


class Scale(Block):
    """Multiplies by a factor."""

    class Params(BlockParams):
        """Parameters."""

        factor: Live[float] = Field(1.0, description="What to multiply by.")
        fail_at: int = Field(-1, description="Number of the item at which to raise.")
        fail_start: bool = Field(False, description="Raise in start.")
        sleep: float = Field(0.0, ge=0, description="Seconds that an item takes.")
        noise: float = Field(0.0, ge=0, description="Amplitude of this block's own noise.")

    params: Params

    def start(self) -> None:
        """Load nothing."""
        if self.params.fail_start:
            raise RuntimeError("no such weights")

    def work(self, features: Features, identity: Identity) -> Features:
        """Multiply."""
        if identity.seq == self.params.fail_at:
            raise ZeroDivisionError("told to")
        if self.params.sleep:
            time.sleep(self.params.sleep)
        noise = self.rng(identity).standard_normal(features.shape, dtype="float32") * self.params.noise
        return (features * self.params.factor + noise).astype("float32")
