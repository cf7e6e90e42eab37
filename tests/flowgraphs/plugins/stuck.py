"""A sink whose peer never takes anything; for tests of the engine."""

from __future__ import annotations

import time
from pathlib import Path

from semcom.blocks.block import Block
from semcom.blocks.ports import Features


class Stuck(Block):
    """Waits until the run is to end."""

    def work(self, features: Features) -> None:
        """Wait."""
        Path("stuck").write_text("")
        while not self.stopping:
            time.sleep(0.02)
        self.count(lost_items=1)
