"""The edge between two threads of one process.

The items themselves stay where they are: a bounded queue hands them over by reference, and a ZeroMQ ``inproc`` PAIR
wakes the side that waits. A side that does not wait costs the other no message at all.
"""

from __future__ import annotations

import contextlib
from collections import deque

import zmq

from ..counts import EdgeCount
from ..graph import Edge
from ..item import Item
from .ends import END, End, Socket

__all__ = ["ThreadReader", "ThreadWriter", "thread_edge"]

Context = zmq.Context[Socket]


class _Shared:
    """What the two ends of a thread edge share. Every access is one atomic operation of the interpreter."""

    def __init__(self, edge: Edge) -> None:
        self.items: deque[Item | End] = deque()
        self.count = EdgeCount()
        self.reader_waits = False
        self.writer_waits = False
        self.closed = False  # nobody reads any more: the run is ending early
        self.depth = edge.depth
        self.refill = edge.depth // 4  # wake a waiting writer only when it can put several


class _Wake:
    """One socket of the PAIR."""

    unmet = ""

    def __init__(self, shared: _Shared, edge: Edge, socket: Socket) -> None:
        self.edge = edge
        self.socket = socket
        self.count = shared.count
        self._shared = shared

    def _wake(self) -> None:
        with contextlib.suppress(zmq.Again):  # a full pipe of wake-ups wakes as well
            self.socket.send(b"", zmq.NOBLOCK)

    def service(self) -> None:
        """Drain wake-ups."""
        with contextlib.suppress(zmq.Again):
            while True:
                self.socket.recv(zmq.NOBLOCK)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close(linger=0)


class ThreadWriter(_Wake):
    """Writes to a thread of the same process."""

    settled = True
    wants_out = False
    acknowledged_seq = float("inf")

    def offer(self, item: Item) -> bool:
        """Put an item; False when the edge is full."""
        shared = self._shared
        if shared.closed:
            return True
        if len(shared.items) >= shared.depth:
            if self.edge.overflow == "block":
                return False
            with contextlib.suppress(IndexError):  # the reader may have emptied it meanwhile
                shared.items.popleft()
                shared.count.dropped += 1
        # First the item, then the look at the flag; the reader first sets the flag, then looks for items. So either the
        # reader sees the item or the writer sees the flag, whichever of the two threads the interpreter runs between.
        shared.items.append(item)
        shared.count.into += 1
        if shared.reader_waits:
            shared.reader_waits = False
            self._wake()
        return True

    def end(self) -> bool:
        """Put the end of stream; it always fits."""
        self._shared.items.append(END)
        self._wake()
        return True

    def prepare_wait(self) -> bool:
        """Announce a wait for room; True when there is room already."""
        shared = self._shared
        shared.writer_waits = True
        if shared.closed or len(shared.items) < shared.depth:  # looked at after the announcement: no wake-up is lost
            shared.writer_waits = False
            return True
        return False


class ThreadReader(_Wake):
    """Reads from a thread of the same process."""

    settled = True
    wants_out = False

    @property
    def waiting(self) -> int:
        """Items that have arrived and not been taken."""
        return len(self._shared.items)

    def take(self) -> Item | End | None:
        """Take the next item or the end; ``None`` when there is nothing now."""
        shared = self._shared
        try:
            item = shared.items.popleft()
        except IndexError:
            return None
        if item is not END:
            shared.count.out += 1
        # Not at the first free place: the two threads would then change places for every item.
        if shared.writer_waits and len(shared.items) <= shared.refill:
            shared.writer_waits = False
            self._wake()
        return item

    def finished_upto(self, seq: float) -> None:
        """Do nothing: the items lived in this process all along."""

    def prepare_wait(self) -> bool:
        """Announce a wait for items; True when there is one already."""
        shared = self._shared
        shared.reader_waits = True
        if shared.items:
            shared.reader_waits = False
            return True
        return False

    def close(self) -> None:
        """Give the socket back, and let a writer that waits go on."""
        self._shared.closed = True
        self._wake()
        super().close()


def thread_edge(context: Context, edge: Edge, run_id: str) -> tuple[ThreadWriter, ThreadReader]:
    """Make an edge between two threads of this process."""
    shared = _Shared(edge)
    address = f"inproc://{run_id}/{edge.index}"
    reader: Socket = context.socket(zmq.PAIR)
    reader.bind(address)
    writer: Socket = context.socket(zmq.PAIR)
    writer.connect(address)
    return ThreadWriter(shared, edge, writer), ThreadReader(shared, edge, reader)
