"""The sink of a sweep: it measures as `sinks/report` does, and keeps the rows instead of writing files."""

from __future__ import annotations

from typing import Any

from ...blocks._measuring.rows import Row, load_metrics, measure_item
from ...blocks.block import Block
from ...blocks.envelope import Header, Identity, Trace
from ...blocks.ports import Image, Symbols
from .witness import Witness

__all__ = ["MEASURED", "Collect"]

COUNTED = ("blocks", "block_errors")
"""What coded links count in the trace, beside the columns of a row."""

MEASURED = (*(name for name in Row._fields if name not in ("seq", "label")), *COUNTED)
"""What is measured of each item, in order."""


class Collect(Block):
    """Takes the place of `sinks/report` or `sinks/metrics` in a sweep: the same ports, no files.

    Args:
        name: Of the block that it stands for.
        witness: What is measured beside `MEASURED`.

    Attributes:
        rows: A mapping an item: seq, label, `MEASURED` and what the witness adds.
        received: The pictures, where the witness compares transmissions with each other.
    """

    def __init__(self, name: str, witness: Witness | None = None) -> None:
        super().__init__(name=name)
        self.rows: list[dict[str, Any]] = []
        self.received: list[Image] = []
        self._witness = witness or Witness()

    def start(self) -> None:
        """Load the metrics."""
        load_metrics()

    def work(
        self,
        received: Image,
        header: Header,
        trace: Trace,
        identity: Identity,
        sent: Image | None = None,
        channel_input: Symbols | None = None,
        channel_output: Symbols | None = None,
    ) -> None:
        """Measure one item."""
        row = measure_item(received, sent, channel_input, channel_output, header, trace, identity)
        counted = {name: int(trace.values[name]) if name in trace.values else None for name in COUNTED}
        self.rows.append({**row._asdict(), **counted, **self._witness.of_one(sent, received)})
        if self._witness.transmissions > 1:
            self.received.append(received)
