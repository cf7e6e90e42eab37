"""Writes down which items arrived, for tests of the engine."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Identity
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Features


class Record(Block):
    """Appends ``seq value other`` of every item to a file, each line at once."""

    class Params(BlockParams):
        """Parameters."""

        file: str = Field("record.txt", description="The file.")
        sleep: float = Field(0.0, ge=0, description="Seconds that an item takes.")

    params: Params

    def start(self) -> None:
        """Open the file for appending, unbuffered."""
        self.fd = os.open(self.params.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def work(self, features: Features, identity: Identity, other: Features | None = None) -> None:
        """Write one line."""
        if self.params.sleep:
            import time

            time.sleep(self.params.sleep)
        second = "" if other is None else f" {other.flat[0]:g}"
        os.write(self.fd, f"{identity.seq} {features.flat[0]:g}{second}\n".encode())
        self.measure(value=float(features.flat[0]))
        self.wrote(Path(self.params.file))

    def finish(self, run: RunContext) -> None:
        """Say how it ended."""
        with open(self.params.file + ".end", "a") as end:
            end.write("whole\n" if run.complete else "early\n")
