"""The two ends of an edge as a block's thread sees them."""

from __future__ import annotations

from typing import Protocol

import zmq

from ..counts import EdgeCount
from ..graph import Edge
from ..item import Item

__all__ = ["END", "EdgeEnd", "End", "Reader", "Socket", "Writer"]


class End:
    """The end of stream, which travels like an item."""

    def __repr__(self) -> str:
        return "END"


END = End()
Socket = zmq.Socket[bytes]


class EdgeEnd(Protocol):
    """What both ends of an edge have."""

    edge: Edge
    count: EdgeCount

    @property
    def socket(self) -> Socket:
        """To be polled for reading."""

    @property
    def wants_out(self) -> bool:
        """To be polled for writing as well."""

    @property
    def settled(self) -> bool:
        """Nothing more is owed: the other side has, or knows, everything."""

    @property
    def unmet(self) -> str:
        """Where the other end is waited for; empty when it was met."""

    def prepare_wait(self) -> bool:
        """Announce a wait for room or for items; True when there is some already."""

    def service(self) -> None:
        """Handle what came on the socket."""

    def close(self) -> None:
        """Give the socket back."""


class Writer(EdgeEnd, Protocol):
    """The end of an edge that a block writes to."""

    @property
    def acknowledged_seq(self) -> float:
        """Number of the last item that the other side is done with; -1 before the first."""

    def offer(self, item: Item) -> bool:
        """Put an item; False when the edge is full (then call again after `prepare_wait` and a poll)."""

    def end(self) -> bool:
        """Put the end of stream; False when that has to be tried again."""


class Reader(EdgeEnd, Protocol):
    """The end of an edge that a block reads from."""

    @property
    def waiting(self) -> int:
        """Items that have arrived and not been taken."""

    def take(self) -> Item | End | None:
        """Take the next item or the end; ``None`` when there is nothing now."""

    def finished_upto(self, seq: float) -> None:
        """Say that this place is done with every item up to this number: the other side need not keep it."""
