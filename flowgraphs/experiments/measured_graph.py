"""What of a flowgraph a sweep runs: one source of pictures, the chain, and one sink that measures."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import msgspec

from ...blocks.lookup import load_block
from ...blocks.signature import read_signature
from ...errors import InputError, UsageError
from ...sim.images import image_files, read_image
from ..runtime.graph import Graph

__all__ = ["MeasuredGraph", "Picture", "draw_seed", "measured_graph", "pictures_of"]

SOURCE = "sources/images"
SINKS = ("sinks/report", "sinks/metrics")


class Picture(NamedTuple):
    """A picture file, and the first 16 hex digits of the SHA-256 of its content."""

    path: str
    digest: str


class MeasuredGraph(msgspec.Struct, frozen=True):
    """A graph as a sweep runs it; plain values.

    Attributes:
        graph: Without the sinks that do not measure, and without the folder of pictures.
        source: Its block of pictures.
        sink: Its block that measures.
        hash: First 16 hex digits of the SHA-256 of all that decides its results, the pictures aside: texts, variables'
            names, places and folders are left out.
    """

    graph: Graph
    source: str
    sink: str
    hash: str

    def part(self, files: list[str], first: int, seed: int) -> Graph:
        """The graph that sends these files, numbered from ``first``."""
        node = self.graph.block(self.source)
        given = msgspec.structs.replace(node, params={**node.params, "path": files, "first": first})
        blocks = tuple(given if block is node else block for block in self.graph.blocks)
        return msgspec.structs.replace(self.graph, blocks=blocks, seed=seed)


def measured_graph(graph: Graph, system: str) -> MeasuredGraph:
    """Reduce a resolved graph to what a sweep measures.

    Raises:
        UsageError: it has not one source of pictures, or no sink that measures pictures.
    """
    signatures = {node.name: read_signature(load_block(node.use)) for node in graph.blocks}
    sources = [node for node in graph.blocks if not signatures[node.name].inputs]
    if len(sources) != 1 or sources[0].use != SOURCE:
        got = ", ".join(node.use for node in sources) or "none"
        raise UsageError(f"system {system}: a sweep needs one source, {SOURCE}, got {got}; --swap photos={SOURCE}")
    sinks = [node for node in graph.blocks if signatures[node.name].is_sink]
    measuring = sorted((node for node in sinks if node.use in SINKS), key=lambda node: node.name != "report")
    if not measuring:
        raise UsageError(f"system {system}: a sweep needs a block {' or '.join(SINKS)} that measures, got none")
    source, sink = sources[0], measuring[0]
    left_out = {node.name for node in sinks} - {sink.name}
    plain = {
        source.name: msgspec.structs.replace(source, params={**source.params, "path": "", "first": 0, "repeat": 1}),
        sink.name: msgspec.structs.replace(sink, params={}),
    }
    kept = msgspec.structs.replace(
        graph,
        name="",
        doc="",
        vars={},
        places=(),
        file="",
        blocks=tuple(plain.get(node.name, node) for node in graph.blocks if node.name not in left_out),
        edges=tuple(edge for edge in graph.edges if edge.target not in left_out),
    )
    return MeasuredGraph(kept, source.name, sink.name, kept.hash()[:16])


def pictures_of(graph: Graph, folder: str | None, most: int | None) -> list[Picture]:
    """The pictures that a graph sends, in order.

    Args:
        graph: As resolved.
        folder: Takes the place of what the graph says: a file, a folder, ``builtin:photos``.
        most: At most so many.

    Raises:
        InputError: there are none, one cannot be read and the source's ``on_error`` is ``fail``, or a name is no UTF-8.
        UsageError: the source repeats its pictures for ever.
    """
    params = next(node.params for node in graph.blocks if node.use == SOURCE)
    path = params["path"] if folder is None else folder
    files = [file for part in ([path] if isinstance(path, str) else path) for file in image_files(part)]
    repeat = params.get("repeat", 1)
    if repeat is None and most is None:
        raise UsageError("photos.repeat: null sends pictures for ever; say how many: --max-items 100")
    wanted = len(files) * repeat if repeat is not None else (most or 0)
    if most is not None:
        wanted = min(wanted, most)
    once = [_picture(file) for file in files[:wanted]]
    if params.get("on_error") == "skip":
        once = [picture for picture in once if _readable(picture.path)]
        if not once:
            raise InputError(f"{path}: none of {len(files)} pictures could be read")
        wanted = min(wanted, len(once) * (repeat if repeat is not None else wanted))
    return [once[number % len(once)] for number in range(wanted)]


def draw_seed(seed: int, draw: int) -> int:
    """The run's seed of a draw: the first is `semcom run` with the sweep's seed, the others have streams of their own.

    Args:
        seed: Of the sweep.
        draw: From 0.
    """
    if draw == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/draw/{draw}".encode()).digest()[:8], "little") >> 1


def _picture(file: Path) -> Picture:
    try:
        str(file.resolve()).encode()
    except UnicodeEncodeError:  # tables and tasks are UTF-8
        raise InputError(f"{str(file)!a}: expected a file name in UTF-8, got other bytes; rename the file") from None
    try:
        return Picture(str(file.resolve()), hashlib.sha256(file.read_bytes()).hexdigest()[:16])
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None


def _readable(path: str) -> bool:
    try:
        read_image(path)
    except InputError:
        return False
    return True
