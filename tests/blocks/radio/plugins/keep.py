"""Writes what arrives: samples, where they lie, what is said of them; for tests of radios."""

from __future__ import annotations

import json
from pathlib import Path

from semcom.blocks.block import Block
from semcom.blocks.envelope import Stream
from semcom.blocks.ports import Samples


class Keep(Block):
    """Adds to ``kept.bin`` and ``kept.jsonl``."""

    def work(self, samples: Samples, stream: Stream) -> None:
        """Write."""
        notes = [(note.offset, note.key, note.value) for note in stream.annotations]
        with Path("kept.jsonl").open("a") as lines, Path("kept.bin").open("ab") as data:
            data.write(samples.tobytes())
            lines.write(json.dumps([stream.offset, samples.size, stream.gap_samples, notes]) + "\n")
