"""`sinks/null`."""

from __future__ import annotations

from collections.abc import Iterator

from ..block import Block, RunContext
from ..ports import Bits, Bytes, Features, Image, Link, Llrs, Samples, Symbols

__all__ = ["Null"]


class Null(Block):
    r"""Throws items of any type away, and counts them.

    .. math:: \varnothing

    Input:   one of samples, symbols, image, features, bits, bytes or llrs: ``channel -> end`` takes the port whose type
             fits.
    State:   the counts; the run's record holds them as ``items`` and ``elements``.
    Example: ``end: {use: sinks/null}``
    """

    items: int = 0
    elements: int = 0

    def work(
        self,
        samples: Samples | None = None,
        symbols: Symbols | None = None,
        image: Image | None = None,
        features: Features | None = None,
        bits: Bits | None = None,
        bytes: Bytes | None = None,
        llrs: Llrs | None = None,
        link: Link | None = None,
    ) -> None:
        """Count what came."""
        self.items += 1
        self.elements += sum(
            value.size for value in (samples, symbols, image, features, bits, bytes, llrs, link) if value is not None
        )

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Record the counts."""
        self.measure(items=float(self.items), elements=float(self.elements))
        return None
