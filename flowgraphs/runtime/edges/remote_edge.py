"""The ends of an edge to another process or host as a block's thread sees them: a socket behind `ends`."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import zmq

from ....blocks.envelope import Identity
from ....blocks.lookup import load_block
from ....blocks.ports import PORT_TYPES
from ..counts import EdgeCount
from ..graph import Edge, Graph
from ..item import Item
from .admission import Admission, Start
from .ends import END, End
from .messages import Contract
from .place_ledger import PlaceLedger
from .socket_receiver import SocketReceiver
from .socket_sender import SocketSender

__all__ = ["RemoteReader", "RemoteWriter", "contract"]

ALL_PARTS = 1 << 62


class RemoteWriter:
    """Writes to a block elsewhere.

    Raises:
        EdgeError: the endpoint cannot be connected to.
    """

    def __init__(self, context: zmq.Context[Any], graph: Graph, edge: Edge, endpoint: str, start: Start) -> None:
        self.edge = edge
        self.count = EdgeCount()
        self._finished = -1  # once everything offered so far is committed
        self._socket_end = SocketSender(
            context, endpoint, contract(graph, edge, sender=True), start, depth=edge.depth, overflow=edge.overflow
        )
        self.socket = self._socket_end.socket

    @property
    def unmet(self) -> str:
        """Where the other end is waited for; empty when it was met."""
        return _unmet(self.edge, self._socket_end)

    @property
    def wants_out(self) -> bool:
        """A message waits for the socket to take it."""
        return self._socket_end.wants_out

    @property
    def settled(self) -> bool:
        """The other side is done with everything, the end included."""
        return self._socket_end.done

    @property
    def acknowledged_seq(self) -> float:
        """Number of the last item that the other side is done with; -1 before the first, infinite after the end."""
        if self._socket_end.done:
            return math.inf
        oldest = self._socket_end.protocol.oldest_seq
        return self._finished if oldest is None else oldest - 1

    def offer(self, item: Item) -> bool:
        """Put an item; False when the edge is full."""
        if not self._socket_end.try_send(item.envelope, item.value):
            return False
        identity = item.envelope.identity
        self._finished = identity.seq if identity.last else identity.seq - 1
        self.count.into += 1
        self.count.dropped = self._socket_end.dropped
        return True

    def end(self) -> bool:
        """Put the end of stream."""
        self._socket_end.end()
        return True

    def prepare_wait(self) -> bool:
        """Send what is packed; True when there is room."""
        self._socket_end.service()
        return self._socket_end.room

    def service(self) -> None:
        """Take in what came, send what can be sent."""
        self._socket_end.service()

    def close(self) -> None:
        """Give the socket back."""
        protocol = self._socket_end.protocol
        garbage = protocol.garbage + self._socket_end.garbage
        self.count.diagnostics = {"resent": protocol.resent, "garbage": garbage}
        self._socket_end.close()


class RemoteReader:
    """Reads from a block elsewhere.

    Args:
        context, graph, edge, endpoint: What to read, and where to listen.
        ledger: What this place has finished, where it keeps account of that.
        points: End points of the place that items of this edge reach.
        admission: Of the place that sends.

    Raises:
        EdgeError: the endpoint cannot be bound, for example because the port is already in use.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        graph: Graph,
        edge: Edge,
        endpoint: str,
        ledger: PlaceLedger | None = None,
        points: Sequence[str] = (),
        admission: Admission | None = None,
    ) -> None:
        self.edge = edge
        self.count = EdgeCount()
        self._ledger = ledger
        left_off = None if ledger is None or PORT_TYPES[edge.port].stream else ledger.left_off(edge, points)
        session, seq = left_off or (None, None)
        self._socket_end = SocketReceiver(
            context,
            endpoint,
            contract(graph, edge, sender=False),
            depth=edge.depth,
            overflow=edge.overflow,
            after=None if seq is None else Identity(seq, part=ALL_PARTS),
            after_session=session,
            admission=admission,
        )
        self._session: int | None = None
        self._admission = admission
        self.socket = self._socket_end.socket
        self._unfinished: deque[tuple[int, int]] = deque()  # number on the edge, number at the source
        self._ended = False

    @property
    def unmet(self) -> str:
        """Where the other end is waited for; empty when it was met."""
        return _unmet(self.edge, self._socket_end)

    @property
    def wants_out(self) -> bool:
        """Answers never wait long: they are small."""
        return False

    @property
    def waiting(self) -> int:
        """Items that have arrived and not been taken."""
        return self._socket_end.waiting

    @property
    def settled(self) -> bool:
        """The other side knows that this place is done with everything."""
        return self._socket_end.done

    def take(self) -> Item | End | None:
        """Take the next item or the end; ``None`` when there is nothing now."""
        got = self._socket_end.take()
        if got is None:
            self.service()
            got = self._socket_end.take()
            if got is None:
                return None
        if got is END:
            self._ended = True
            return END
        n, envelope, array = got  # type: ignore[misc]
        self._socket_end.consumed(n)
        self._unfinished.append((n, envelope.identity.seq))
        self.count.out += 1
        return Item(envelope, array)

    def finished_upto(self, seq: float) -> None:
        """Say that this place is done with every item up to this number."""
        last = None
        while self._unfinished and self._unfinished[0][1] <= seq:
            last = self._unfinished.popleft()[0]
        if last is not None:
            self._socket_end.committed(last, tell=seq != math.inf)
        over = seq == math.inf if self._ledger is None else self._ledger.over
        if self._ended and not self._unfinished and over:  # not before: the sender stays while this place may restart
            self._socket_end.commit_end()

    def prepare_wait(self) -> bool:
        """True when there is an item already."""
        self.service()
        return bool(self._socket_end.waiting)

    def service(self) -> None:
        """Take in what came, answer."""
        self._socket_end.service()
        session = self._socket_end.protocol.peer_session
        if session != self._session and session is not None and self._ledger is not None:
            self._session = session
            self._ledger.met(self.edge, session, self._admission.shift_items if self._admission else 0)

    def close(self) -> None:
        """Give the socket back."""
        protocol = self._socket_end.protocol
        self.count.diagnostics = {
            "doubles": protocol.doubles,
            "refused": protocol.refused,
            "garbage": protocol.garbage + self._socket_end.garbage,
        }
        self._socket_end.close()


def contract(graph: Graph, edge: Edge, *, sender: bool) -> Contract:
    """State what both ends of an edge must agree on; header fields: those offered, or those needed further on."""
    offered = _offered(graph, edge.source)
    return Contract(
        graph=graph.name,
        edge=edge.index,
        source=f"{edge.source}.{edge.source_port}",
        target=f"{edge.target}.{edge.target_port}",
        port=edge.port,
        header=tuple(sorted(offered if sender else offered & _needed(graph, edge.target))),
    )


def _offered(graph: Graph, block: str) -> set[str]:
    """Header fields that are written up to and including this block."""
    blocks = _walk(graph, block, forward=False)
    found = (load_block(graph.block(name).use) for name in blocks)
    return {field.__name__ for cls in found for field in (*cls.writes_header, *cls.may_write_header)}


def _needed(graph: Graph, block: str) -> set[str]:
    """Header fields that this block or one after it reads."""
    blocks = _walk(graph, block, forward=True)
    found = (load_block(graph.block(name).use) for name in blocks)
    return {field.__name__ for cls in found for field in (*cls.reads_header, *cls.may_read_header)}


def _walk(graph: Graph, block: str, *, forward: bool) -> set[str]:
    seen: set[str] = set()
    todo = [block]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += [edge.target for edge in graph.outputs(at)] if forward else [e.source for e in graph.inputs(at)]
    return seen


def _unmet(edge: Edge, end: SocketSender | SocketReceiver) -> str:
    return "" if end.protocol.greeted else f"{edge} at {end.endpoint}"
