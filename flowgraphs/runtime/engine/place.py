"""What makes some blocks of a graph a place: where their items leave, what is finished, and whom they listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....blocks.ports import PORT_TYPES
from ..edges.admission import Admission
from ..edges.place_ledger import PlaceLedger
from ..graph import Edge, Graph

__all__ = ["RunningPlace"]


class RunningPlace:
    """The blocks that run together in this process, while the others of the graph run elsewhere.

    An item that came from elsewhere counts as received when the place is done with it, not when its first block is, and
    the ledger says how far it came. A place that dies and comes back is then sent what it had not finished, and nothing
    twice.

    Args:
        graph: The whole graph.
        names: The blocks that run here.
        file: Of the ledger.

    Attributes:
        ledger: What is finished.
        watched: Block → end points that an item of its inputs has to reach before it counts as finished.
    """

    def __init__(self, graph: Graph, names: Sequence[str], file: Path) -> None:
        here = dict.fromkeys(names)
        points = _end_points(graph, here)
        arriving = [edge for edge in graph.edges if edge.target in here and edge.source not in here]
        self.ledger = PlaceLedger(points, arriving, graph, file)
        self.watched = {name: [point for point in points if _reaches(graph, name, point)] for name in names}
        self._place_of = {block: place.name for place in graph.places for block in place.blocks}
        self._admissions: dict[str, Admission] = {}

    def admission(self, edge: Edge) -> Admission:
        """Whom this place listens to on an edge: one start of the place that sends, the same on all its edges."""
        sender = self._place_of[edge.source]
        if sender not in self._admissions:
            left_off = self.ledger.left_off(edge, self.watched[edge.target])
            self._admissions[sender] = Admission(None if left_off is None else (left_off[0], self.ledger.shift))
        return self._admissions[sender]

    def senders(self) -> list[dict[str, Any]]:
        """Every start that this place listened to: which place, graph and seed, and the number of its first item."""
        return [
            {"place": place, "graph_hash": start.graph_hash, "seed": start.seed, "from_item": first}
            for place, admission in self._admissions.items()
            for start, first in admission.senders
        ]


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
