"""Writes down which items were joined, for tests of the engine."""

from __future__ import annotations

from pathlib import Path

from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Identity, Trace
from semcom.blocks.ports import Features


class Pairs(Block):
    """Writes ``seq sent received label`` of every pair to ``pairs.txt`` at the end."""

    def start(self) -> None:
        """Nothing has come yet."""
        self.rows: list[str] = []

    def work(self, received: Features, sent: Features, identity: Identity, trace: Trace) -> None:
        """Note one pair."""
        known = "born" if trace.born_s else "unborn"
        self.rows.append(f"{identity.seq} {sent.flat[0]:g} {received.flat[0]:g} {trace.label or '-'} {known}")
        self.measure(caught=trace.values["caught"])

    def finish(self, run: RunContext) -> None:
        """Write."""
        Path("pairs.txt").write_text("".join(f"{row}\n" for row in self.rows))
