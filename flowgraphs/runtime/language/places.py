"""Checks `places`: every block in exactly one, and no two on the same port."""

from __future__ import annotations

import re

from ....errors import suggestion
from ..graph import Edge, Place
from .block_entry import BlockEntry
from .document import BLOCK_NAME, Document
from .parameters import scalar_text, show
from .yaml_reader import Key, MapNode, Mark, Node, SeqNode, to_plain

__all__ = ["check_places"]

PLACE_KEYS = ("blocks", "endpoint")
_ENDPOINT = re.compile(r"tcp://([A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})")


def check_places(
    doc: Document, node: Node | None, blocks: dict[str, BlockEntry], edges: tuple[Edge, ...]
) -> tuple[Place, ...]:
    """Return the places; mistakes gather in ``doc``."""
    return _Places(doc, blocks).read_places(node, edges)


class _Places:
    """One pass over `places`."""

    def __init__(self, doc: Document, blocks: dict[str, BlockEntry]) -> None:
        self.doc = doc
        self.blocks = blocks

    def read_places(self, node: Node | None, edges: tuple[Edge, ...]) -> tuple[Place, ...]:
        """Read `places`: every block in one, and no two of them on the same port."""
        if node is None:
            return ()
        if not isinstance(node, MapNode) or not node.entries:
            self.doc.say(
                node.mark, f"places: expected a mapping of names to {{blocks, endpoint}}, got {show(to_plain(node))}"
            )
            return ()
        where: dict[str, str] = {}
        read = [self.read_place(name, key, value, where) for name, (key, value) in node.entries.items()]
        places = [place for place in read if place is not None]
        if len(places) == len(read):
            for block in self.blocks.values():
                if block.name not in where:
                    self.doc.say(
                        block.key.mark, f"block {block.name!r}: is in no place; every block belongs to exactly one"
                    )
            marks = {name: at.mark for name, (_, value) in node.entries.items() if (at := _endpoint_node(value))}
            self.check_endpoints(places, edges, where, marks)
        return tuple(places)

    def read_place(self, name: str, key: Key, value: Node, where: dict[str, str]) -> Place | None:
        """Read one place; its blocks are entered into ``where``."""
        if not BLOCK_NAME.fullmatch(name):
            self.doc.say(key.mark, f"places: {show(name)}: expected a name of letters, digits, '_' and '-', at most 64")
        if not isinstance(value, MapNode):
            self.doc.say(value.mark, f"place {name!r}: expected {{blocks, endpoint}}, got {show(to_plain(value))}")
            return None
        for part, (part_key, _) in value.entries.items():
            if part not in PLACE_KEYS:
                self.doc.say(part_key.mark, f"place {name!r}: {part}: no such key{suggestion(part, PLACE_KEYS)}")
        names = self.place_blocks(name, key, value.get("blocks"), where)
        at = _endpoint_node(value)
        endpoint = scalar_text(self.doc.fill(at)) if at is not None else None
        match = _ENDPOINT.fullmatch(endpoint or "")
        if match is None or not 1 <= int(match[2]) <= 65535:
            got = "none" if at is None else show(to_plain(at))
            self.doc.say(at.mark if at else key.mark, f"place {name!r}: endpoint: expected tcp://host:port, got {got}")
            return None
        return Place(name, tuple(names), endpoint or "")

    def place_blocks(self, place: str, key: Key, node: Node | None, where: dict[str, str]) -> list[str]:
        """Read the blocks of a place."""
        if not isinstance(node, SeqNode) or not node.items:
            got = "none" if node is None else show(to_plain(node))
            self.doc.say(
                node.mark if node else key.mark, f"place {place!r}: blocks: expected a list of blocks, got {got}"
            )
            return []
        names = []
        for item in node.items:
            name = scalar_text(item)
            if name is None or name not in self.blocks:
                text = str(to_plain(item))
                self.doc.say(
                    item.mark, f"place {place!r}: blocks: no block {show(text)}{suggestion(text, self.blocks)}"
                )
            elif name in where:
                self.doc.say(item.mark, f"place {place!r}: block {name!r} is in place {where[name]!r} already")
            else:
                where[name] = place
                names.append(name)
        return names

    def check_endpoints(
        self, places: list[Place], edges: tuple[Edge, ...], where: dict[str, str], marks: dict[str, Mark]
    ) -> None:
        """Each edge that arrives from another place has a port of its own, from the endpoint's upward."""
        taken: list[tuple[str, int, int, str]] = []
        for place in places:
            match = _ENDPOINT.fullmatch(place.endpoint)
            if match is None:
                continue
            arriving = sum(
                where.get(edge.target) == place.name and where.get(edge.source) != place.name for edge in edges
            )
            host = {"localhost": "127.0.0.1"}.get(match[1], match[1])
            low = int(match[2])
            high = low + max(arriving, 1) - 1
            if high > 65535:
                self.doc.say(
                    marks[place.name], f"place {place.name!r}: endpoint: {arriving} edges need ports {low} to {high}"
                )
            for other_host, other_low, other_high, other in taken:
                if host == other_host and low <= other_high and other_low <= high:
                    self.doc.say(
                        marks[place.name],
                        f"place {place.name!r}: endpoint: expected ports of its own, got {_ports(low, high)}, and "
                        f"place {other!r} has {_ports(other_low, other_high)} (one for each edge that arrives from "
                        "another place)",
                    )
            taken.append((host, low, high, place.name))


def _endpoint_node(value: Node) -> Node | None:
    return value.get("endpoint") if isinstance(value, MapNode) else None


def _ports(low: int, high: int) -> str:
    return f"port {low}" if low == high else f"ports {low} to {high}"
