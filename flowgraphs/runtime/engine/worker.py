"""The blocks of one process: makes their edges, runs each as an actor, and passes commands and events on."""

from __future__ import annotations

import itertools
import secrets
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import zmq

from ....blocks.block import RunContext
from ..edges.admission import Start
from ..edges.ends import Reader, Writer
from ..edges.remote_edge import RemoteReader, RemoteWriter
from ..edges.thread_edge import thread_edge
from ..graph import BlockNode, Graph
from .actor import Actor, Event
from .commands import Abort, Go, SetParams, Stop, SwapIn
from .mailbox import Mailbox
from .place import RunningPlace
from .running_block import RunningBlock, build_block

__all__ = ["Worker"]


class Worker:
    """Runs some blocks of a graph in threads of this process.

    Args:
        graph: The whole graph.
        names: The blocks to run here.
        endpoints: Address of every edge of which one end is elsewhere, by the edge's index.
        context: What blocks may know of the run at its end.
        items: Items that each source makes at most.
        place: What makes these blocks a place, if they are one.

    State: `events` receives what the actors post.
    """

    def __init__(
        self,
        graph: Graph,
        names: Sequence[str],
        endpoints: Mapping[int, str],
        context: RunContext,
        *,
        items: int | None = None,
        place: RunningPlace | None = None,
    ) -> None:
        self.graph, self.place = graph, place
        self.events: Mailbox[Event] = Mailbox()
        self._zmq: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._start = Start(secrets.randbits(63), graph.hash(), str(graph.seed))
        readers: dict[str, list[Reader]] = {name: [] for name in names}
        writers: dict[str, list[Writer]] = {name: [] for name in names}
        try:
            self._make_edges(readers, writers, endpoints)
        except BaseException:
            for end in (*itertools.chain(*readers.values()), *itertools.chain(*writers.values())):
                end.close()
            self._zmq.term()
            self.events.close()
            raise
        self.actors = {name: self._make_actor(name, readers[name], writers[name], context, items) for name in names}
        acknowledging = [actor for actor in self.actors.values() if any(not end.settled for end in actor.readers)]
        for name in self.actors.keys() & ({} if place is None else place.ledger).keys():
            self.actors[name].told = [actor for actor in acknowledging if actor is not self.actors[name]]

    def _make_actor(
        self, name: str, readers: list[Reader], writers: list[Writer], context: RunContext, items: int | None
    ) -> Actor:
        place = self.place
        return Actor(
            self.graph.block(name),
            self.graph,
            readers,
            writers,
            context,
            items=items,
            finished={} if place is None else place.ledger,
            watched=[] if place is None else place.watched[name],
            post=self.events.post,
        )

    def _make_edges(
        self, readers: dict[str, list[Reader]], writers: dict[str, list[Writer]], endpoints: Mapping[int, str]
    ) -> None:
        run_id, place = uuid.uuid4().hex, self.place
        for edge in self.graph.edges:
            here = edge.source in readers, edge.target in readers
            if all(here):
                writing, reading = thread_edge(self._zmq, edge, run_id)
                writers[edge.source].append(writing)
                readers[edge.target].append(reading)
            elif here[0]:
                writers[edge.source].append(
                    RemoteWriter(self._zmq, self.graph, edge, endpoints[edge.index], self._start)
                )
            elif here[1]:
                at = self._zmq, self.graph, edge, endpoints[edge.index]
                of_place = () if place is None else (place.ledger, place.watched[edge.target], place.admission(edge))
                readers[edge.target].append(RemoteReader(*at, *of_place))

    @property
    def pollable(self) -> int:
        """Becomes readable when there are events."""
        return self.events.fileno()

    def take_events(self) -> list[Event]:
        """Return what the actors posted since the last call."""
        events = []
        while (event := self.events.take()) is not None:
            events.append(event)
        return events

    def start(self) -> None:
        """Start the threads; each posts ``ready`` when its block has loaded."""
        for actor in self.actors.values():
            actor.start()

    def go(self) -> None:
        """Let the blocks work."""
        self._tell_all(Go())

    def stop(self) -> None:
        """End gracefully: sources stop, what is in flight arrives."""
        self._tell_all(Stop())

    def abort(self) -> None:
        """End now; sinks keep what they have."""
        self._tell_all(Abort())

    def set_params(self, ticket: str, node: BlockNode) -> None:
        """Exchange a block's parameters between two items; a ``reply`` event says when."""
        self.actors[node.name].commands.post(SetParams(ticket, node.params))

    def swap(self, ticket: str, node: BlockNode) -> None:
        """Build and start a block beside the running one, then exchange them; a ``reply`` event says how it went."""
        threading.Thread(target=self._swap, args=(ticket, node), name=f"semcom:swap:{node.name}", daemon=True).start()

    def status(self) -> dict[str, Any]:
        """Count what every block and edge has done so far."""
        return {
            "blocks": {
                name: {
                    "items": actor.report.items,
                    "busy_s": actor.report.busy_s,
                    "latency": actor.latency,
                    "queue": sum(reader.waiting for reader in actor.readers),
                    "dropped": sum(end.count.dropped for end in actor.ends),
                    "idle": actor.idle,
                    "waits_for": actor.waits_for,
                }
                for name, actor in self.actors.items()
            },
            "unmet": [end.unmet for actor in self.actors.values() for end in actor.ends if end.unmet],
            "edges": {str(end.edge): asdict(end.count) for actor in self.actors.values() for end in actor.readers}
            | self._leaving(),
        }

    def reports(self) -> dict[str, dict[str, Any]]:
        """Everything the blocks report at the end."""
        return {name: asdict(actor.report) for name, actor in self.actors.items()}

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the threads; True when all have ended."""
        for actor in self.actors.values():
            if actor.ident is not None:  # interrupted between two starts, some never began
                actor.join(timeout_s)
        return not any(actor.is_alive() for actor in self.actors.values())

    def close(self) -> None:
        """End what still runs, and give back what the run held.

        A thread that computes on keeps its sockets until the process ends.
        """
        if any(actor.is_alive() for actor in self.actors.values()):
            self.abort()
        if self.join(1.0):
            for actor in self.actors.values():
                actor.commands.close()
            self.events.close()
            self._zmq.destroy(linger=0)

    def _leaving(self) -> dict[str, dict[str, int]]:
        """Edges whose other end is elsewhere are counted at this end as well."""
        counted = {str(reader.edge) for actor in self.actors.values() for reader in actor.readers}
        return {
            str(writer.edge): asdict(writer.count)
            for actor in self.actors.values()
            for writer in actor.writers
            if str(writer.edge) not in counted
        }

    def _tell_all(self, command: Go | Stop | Abort) -> None:
        for actor in self.actors.values():
            actor.tell(command)

    def _swap(self, ticket: str, node: BlockNode) -> None:
        try:
            block = build_block(node, self.graph.seed)
            RunningBlock(block, self.graph.torch_threads, where=node.where).start()
        except BaseException as error:  # the old block goes on, whatever the new one did
            self.events.post(
                {"event": "reply", "ticket": ticket, "block": node.name, "ok": False, "message": str(error)}
            )
            return
        self.actors[node.name].commands.post(SwapIn(ticket, block, node.use, node.where))
