"""The blocks of one process: makes their edges, runs each as an actor, and passes commands and events on."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import zmq

from ....blocks.block import RunContext
from ....blocks.ports import PORT_TYPES
from ..edges.ends import EdgeEnd, Reader, Writer
from ..edges.place_ledger import PlaceProgress
from ..edges.remote_edge import RemoteReader, RemoteWriter
from ..edges.thread_edge import thread_edge
from ..graph import BlockNode, Graph
from .actor import Abort, Actor, Event, Go, SetParams, Stop, SwapIn
from .mailbox import Mailbox
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
        progress_file: Makes these blocks a place: an item that came from elsewhere counts as received when the place is
            done with it, not when its first block is, and the file says how far it came. A place that dies and comes
            back is then sent what it had not finished, and nothing twice.

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
        progress_file: Path | None = None,
    ) -> None:
        self.graph = graph
        self.events: Mailbox[Event] = Mailbox()
        self._zmq: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        readers: dict[str, list[Reader]] = {name: [] for name in names}
        writers: dict[str, list[Writer]] = {name: [] for name in names}
        run_id = uuid.uuid4().hex
        self.progress: PlaceProgress | None = None
        watched: dict[str, list[str]] = {name: [] for name in names}
        if progress_file is not None:
            points = _end_points(graph, readers)
            arriving = [edge for edge in graph.edges if edge.target in readers and edge.source not in readers]
            self.progress = PlaceProgress(points, arriving, graph, progress_file)
            watched = {name: [point for point in points if _reaches(graph, name, point)] for name in names}
        try:
            for edge in graph.edges:
                here = edge.source in readers, edge.target in readers
                if all(here):
                    writing, reading = thread_edge(self._zmq, edge, run_id)
                    writers[edge.source].append(writing)
                    readers[edge.target].append(reading)
                elif here[0]:
                    writers[edge.source].append(RemoteWriter(self._zmq, graph, edge, endpoints[edge.index]))
                elif here[1]:
                    reader = RemoteReader(
                        self._zmq, graph, edge, endpoints[edge.index], self.progress, watched[edge.target]
                    )
                    readers[edge.target].append(reader)
        except BaseException:
            made: list[EdgeEnd] = [end for reading in readers.values() for end in reading]
            made += [end for writing in writers.values() for end in writing]
            for end in made:
                end.close()
            self._zmq.term()
            self.events.close()
            raise
        progress = {} if self.progress is None else self.progress
        self.actors = {
            name: Actor(
                graph.block(name),
                graph,
                readers[name],
                writers[name],
                context,
                items=items,
                progress=progress,
                watched=watched[name],
                post=self.events.post,
            )
            for name in names
        }
        acknowledging = [actor for actor in self.actors.values() if any(not end.settled for end in actor.readers)]
        for name in progress.keys() & self.actors.keys():
            self.actors[name].told = [actor for actor in acknowledging if actor is not self.actors[name]]

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
                    "queue": sum(reader.waiting for reader in actor.readers),
                    "dropped": sum(end.count.dropped for end in actor.ends),
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
            actor.commands.post(command)

    def _swap(self, ticket: str, node: BlockNode) -> None:
        try:
            block = build_block(node, self.graph.seed)
            RunningBlock(block, self.graph.torch_threads).start()
        except Exception as error:  # the old block goes on, whatever the new one did
            self.events.post(
                {"event": "reply", "ticket": ticket, "block": node.name, "ok": False, "message": str(error)}
            )
            return
        self.actors[node.name].commands.post(SwapIn(ticket, block, node.use))


def _end_points(graph: Graph, here: Mapping[str, Any]) -> list[str]:
    """Where items leave this place: its sinks, and its edges to other places. An item is finished when it got there.

    A block that numbers its outputs anew is one as well: what comes after it cannot be told by the item's number.
    """
    leaving = [
        str(edge) for edge in graph.edges if edge.source in here and edge.target not in here and edge.feedback is None
    ]
    return [name for name in here if not graph.outputs(name) or _renumbers(graph, name)] + leaving


def _renumbers(graph: Graph, name: str) -> bool:
    """Whether a block turns items into a stream, a stream into items, or a stream into another."""
    edges = graph.inputs(name) + graph.outputs(name)
    return bool(graph.inputs(name)) and any(PORT_TYPES[edge.port].stream for edge in edges)


def _reaches(graph: Graph, name: str, point: str) -> bool:
    """Whether items of a block get to an end point."""
    seen, todo = set(), [name]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        if point == at:
            return True
        if _renumbers(graph, at):
            continue
        todo += [edge.target for edge in graph.outputs(at) if edge.feedback is None]
        if any(str(edge) == point for edge in graph.outputs(at)):
            return True
    return False
