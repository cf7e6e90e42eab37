"""Addresses of the edges between places, and of the edges between the processes of one host."""

from __future__ import annotations

from pathlib import Path

from ..graph import Graph, Place

__all__ = ["ipc_endpoints", "place_endpoints"]


def place_endpoints(graph: Graph) -> dict[int, str]:
    """Address of every edge between two places, by the edge's index.

    The place that an edge arrives at listens: the first such edge of the file at the place's endpoint, every further
    one at the next port.
    """
    where = {block: place for place in graph.places for block in place.blocks}
    arrived: dict[str, int] = {}
    endpoints: dict[int, str] = {}
    for edge in graph.edges:
        source, target = where.get(edge.source), where.get(edge.target)
        if source is None or target is None or source == target:
            continue
        count = arrived.get(target.name, 0)
        arrived[target.name] = count + 1
        endpoints[edge.index] = _shifted(target, count)
    return endpoints


def ipc_endpoints(graph: Graph, folder: Path) -> dict[int, str]:
    """Address of every edge when each block has a process of its own."""
    return {edge.index: f"ipc://{folder}/edge-{edge.index}" for edge in graph.edges}


def _shifted(place: Place, count: int) -> str:
    address, _, port = place.endpoint.rpartition(":")
    return f"{address}:{int(port) + count}"
