"""A whole link in one block, for tests of sweeps: noise on pixels, blocks in error, and ways to fail."""

from __future__ import annotations

import os
import time

import numpy as np
from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.envelope import Identity, Out
from semcom.blocks.params import BlockParams, Live
from semcom.blocks.ports import Image


class Noisy(Block):
    """Adds noise whose level follows Es/N0; every picture is ten blocks, each wrong with probability `wrong`."""

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Es/N0 in dB.")
        gain: float = Field(1.0, gt=0, description="Factor of the noise.")
        wrong: float = Field(0.0, ge=0, le=1, description="Probability that a block is wrong.")
        sleep_s: float = Field(0.0, ge=0, description="Time that a picture takes.")
        fails_at: int = Field(-1, description="Number of a picture that raises; -2 for every one.")
        dies_once: str = Field("", description="A file: its absence makes the process end, once.")

    params: Params

    def start(self) -> None:
        """Count the starts, so that a test sees what is kept."""
        with open("starts.txt", "a") as file:
            file.write(f"{os.getpid()}\n")

    def work(self, image: Image, identity: Identity) -> Out[Image]:
        """Add noise."""
        p = self.params
        time.sleep(p.sleep_s)
        if p.fails_at in (identity.seq, -2):
            raise ValueError(f"no picture {identity.seq}")
        if p.dies_once and not os.path.exists(p.dies_once):
            open(p.dies_once, "w").close()
            os._exit(1)
        rng = self.rng(identity)
        noise = p.gain * 100 * 10 ** (-p.esn0_db / 20) * rng.standard_normal(image.shape)
        errors = int((rng.random(10) < p.wrong).sum())
        received = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
        trace = {"blocks": 10.0, "block_errors": float(errors), "failed": float(errors > 0)}
        return Out(received, trace={**trace, "channel_uses": 64.0})
