"""A sink that writes nothing, for tests of the engine."""

from __future__ import annotations

from semcom.blocks.block import Block
from semcom.blocks.ports import Image


class Deaf(Block):
    """Takes pictures and forgets them."""

    def work(self, received: Image, sent: Image | None = None) -> None:
        """Forget them."""
