"""A flowgraph, resolved: what the check makes of a file and both executors run. Plain values: it crosses to workers."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

__all__ = ["BlockNode", "Edge", "Feedback", "Graph", "Place"]

FORMAT_VERSION = 1
DEFAULT_DEPTH = 8
DEFAULT_JOIN_BYTES = 256 * 1024 * 1024


class BlockNode(msgspec.Struct, frozen=True, omit_defaults=True):
    """One block of a graph.

    Attributes:
        name: Its name in the file.
        use: The block's path: ``channels/awgn``; a file's absolute path for a single-file plug-in.
        params: All parameters with their values, defaults included, as JSON values.
        written: Where that is said, for messages: ``file.yaml:7:3``, then the options that change it; not part of the
            hash.
    """

    name: str
    use: str
    params: dict[str, Any]
    written: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """`written` in one text: ``file.yaml:7:3, --set channel.esn0_db=5``."""
        return ", ".join(self.written)


class Feedback(msgspec.Struct, frozen=True):
    """Makes an edge a feedback edge, the only kind that may close a cycle.

    Attributes:
        delay: Items by which what comes back is late: item n of the source meets item n + delay of the target.
        initial: What the target gets for its first ``delay`` items: the value that fills an array of the port's type.
        wait_s: Seconds that an item waits for what does not come back, in a loop that may lose items; it then goes
            without. ``None``: it waits for ever.
    """

    delay: int
    initial: float = 0.0
    wait_s: float | None = None


class Edge(msgspec.Struct, frozen=True):
    """A connection from one output port to one input port.

    Attributes:
        index: Its number in the file, from 0; the edge's name on the wire.
        source, source_port, target, target_port: Its ends.
        port: Name of the port type: ``Symbols``.
        depth: Items it holds before the source has to wait.
        overflow: What happens when it is full.
        feedback: Set on feedback edges.
    """

    index: int
    source: str
    source_port: str
    target: str
    target_port: str
    port: str
    depth: int = DEFAULT_DEPTH
    overflow: Literal["block", "drop_oldest"] = "block"
    feedback: Feedback | None = None

    def __str__(self) -> str:
        return f"{self.source}.{self.source_port} -> {self.target}.{self.target_port}"


class Place(msgspec.Struct, frozen=True):
    """What runs together on one host, and where its edges from other places arrive."""

    name: str
    blocks: tuple[str, ...]
    endpoint: str


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """A resolved flowgraph.

    Attributes:
        name, doc, seed, vars: As in the file, overrides applied.
        blocks: In the order of the file.
        edges: In the order of the file.
        places: Empty when everything runs in one place.
        torch_threads: Threads of every torch call: results depend on it, so it is part of the graph.
        join_bytes: Bound of the buffer in which a block with several inputs joins them.
        file: The file it came from, for messages; not part of the hash.
    """

    name: str
    doc: str = ""
    seed: int = 0
    vars: dict[str, Any] = {}
    blocks: tuple[BlockNode, ...]
    edges: tuple[Edge, ...]
    places: tuple[Place, ...] = ()
    torch_threads: int = 1
    join_bytes: int = DEFAULT_JOIN_BYTES
    file: str = ""

    def block(self, name: str) -> BlockNode:
        """Return the block of this name; it is an error of the caller if there is none."""
        return next(block for block in self.blocks if block.name == name)

    def inputs(self, name: str) -> list[Edge]:
        """Edges that arrive at a block."""
        return [edge for edge in self.edges if edge.target == name]

    def outputs(self, name: str) -> list[Edge]:
        """Edges that leave a block."""
        return [edge for edge in self.edges if edge.source == name]

    def hash(self) -> str:
        """SHA-256 of the resolved graph; two runs with the same hash and versions give the same bytes."""
        blocks = tuple(msgspec.structs.replace(block, written=()) for block in self.blocks)
        content = msgspec.structs.replace(self, file="", blocks=blocks)
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
