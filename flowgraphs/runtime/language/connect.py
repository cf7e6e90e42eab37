"""Reads `connect`: which port each edge means."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from ....blocks.ports import PortType
from ....errors import suggestion
from ..graph import DEFAULT_DEPTH, Edge, Feedback
from .block_entry import BlockEntry
from .document import Document
from .parameters import scalar_text, show
from .port_types import Wired, output_types
from .wires import Wire, check_wires, swap_ports, types_of
from .yaml_reader import MapNode, Mark, Node, Scalar, SeqNode, to_plain

__all__ = ["check_connect"]

EDGE_KEYS = ("from", "to", "depth", "overflow", "feedback")
_FEEDBACK_KEYS = ("delay", "initial", "wait_s")
MAX_DEPTH = 1 << 20


def check_connect(doc: Document, root: MapNode, blocks: dict[str, BlockEntry]) -> tuple[tuple[Edge, ...], bool]:
    """Return the edges, and whether they are all; mistakes gather in ``doc``."""
    for block in blocks.values():
        if block.file_signature is None:
            block.signature = None  # the file's block is unknown: its edges cannot be moved to the ports of a swap
    reader = _Connections(doc, blocks)
    wires = reader.read_connect(root)
    if all(block.signature for block in blocks.values()):
        wires = swap_ports(doc, blocks, wires)
    else:
        for block in blocks.values():
            if block.signature != block.file_signature:
                block.signature = None  # its edges still have the ports of the block that it replaces
    check_wires(doc, blocks, wires, left_out=reader.meant if reader.incomplete else None)
    types = types_of(blocks, wires)
    edges = tuple(
        Edge(
            index,
            wire.source,
            wire.source_port,
            wire.target,
            wire.target_port,
            types[wire.source, wire.source_port].name if (wire.source, wire.source_port) in types else "",
            wire.depth,
            wire.overflow,
            wire.feedback,
        )
        for index, wire in enumerate(wires)
    )
    return edges, not reader.incomplete


@dataclass(frozen=True)
class _End:
    """``block`` or ``block.port`` as written in `connect`."""

    block: str
    port: str
    mark: Mark


class _Pair(NamedTuple):
    """Two ends of an edge as written, and its options."""

    source: _End
    target: _End
    depth: int = DEFAULT_DEPTH
    overflow: Literal["block", "drop_oldest"] = "block"
    feedback: Feedback | None = None


class _Connections:
    """One pass over `connect`."""

    def __init__(self, doc: Document, blocks: dict[str, BlockEntry]) -> None:
        self.doc = doc
        self.blocks = blocks
        self.incomplete = False  # an edge was left out: what follows from that is no mistake of its own
        self.meant: set[str] = set()  # targets of edges that were left out

    def read_connect(self, root: MapNode) -> list[Wire]:
        """Read `connect`; edges with mistakes are left out."""
        pairs = self.read_pairs(root)
        types = self.types(pairs)
        wires = [self.wire(pair, types) for pair in pairs]
        return [wire for wire in wires if wire is not None]

    def read_pairs(self, root: MapNode) -> list[_Pair]:
        """Read the ends of every edge."""
        node = root.get("connect")
        if not isinstance(node, SeqNode):
            got = "none" if node is None else show(to_plain(node))
            self.doc.say(
                node.mark if node else root.mark, f"connect: expected a list of chains such as 'a -> b -> c', got {got}"
            )
            return []
        pairs: list[_Pair] = []
        for item in node.items:
            if isinstance(item, MapNode):
                pairs += self.long_form(item)
            elif isinstance(item, Scalar) and isinstance(item.value, str):
                pairs += self.chain(item)
            else:
                self.doc.say(item.mark, f"connect: expected 'a -> b' or {{from: a, to: b}}, got {show(to_plain(item))}")
        return pairs

    def types(self, pairs: Iterable[_Pair]) -> dict[tuple[str, str], PortType]:
        """Return the type of every output, as far as the edges whose ports need no type say it."""
        signatures = {name: block.file_signature for name, block in self.blocks.items() if block.file_signature}
        wired = []
        for source, target, *_ in pairs:
            if source.block in signatures and target.block in signatures:
                out = source.port or next(iter(signatures[source.block].outputs), "")
                into = target.port or next(iter(signatures[target.block].inputs), "")
                wired.append(Wired(source.block, out, target.block, into))
        return output_types(signatures, wired)

    def chain(self, node: Scalar) -> list[_Pair]:
        """Read ``a -> b -> c.port``."""
        ends: list[_End | None] = []
        position = 0
        for part in node.text.split("->"):
            start = position + len(part) - len(part.lstrip())
            mark = replace(node.mark, column=node.text_column + start) if node.text_column else node.mark
            ends.append(self.end(part.strip(), mark))
            position += len(part) + 2
        if len(ends) < 2:
            self.doc.say(node.mark, f"connect: expected a chain such as 'a -> b', got {show(node.value)}")
            return []
        pairs = []
        for index, (source, target) in enumerate(itertools.pairwise(ends)):
            if source is None or target is None:
                self.leave_out(target)
                continue
            if index:  # the port of a block within a chain is its input
                source = replace(source, port="")
            pairs.append(_Pair(source, target))
        return pairs

    def long_form(self, node: MapNode) -> list[_Pair]:
        """Read ``{from: a, to: b.port, depth: 64}``."""
        for name, (key, _) in node.entries.items():
            if name not in EDGE_KEYS:
                self.doc.say(key.mark, f"connect: {name}: no such key{suggestion(name, EDGE_KEYS)}")
        ends = []
        for name in ("from", "to"):
            value = node.get(name)
            text = scalar_text(value) if value is not None else None
            if value is None:
                self.doc.say(node.mark, f"connect: {name}: required, not given")
            elif text is None:
                self.doc.say(
                    value.mark, f"connect: {name}: expected a block or block.port, got {show(to_plain(value))}"
                )
            else:
                ends.append(self.end(text.strip(), value.mark))
        depth = self.doc.whole(node, "depth", DEFAULT_DEPTH, 1, MAX_DEPTH, "connect: ")
        overflow: Literal["block", "drop_oldest"] = "block"
        value = node.get("overflow")
        if value is not None:
            said = to_plain(self.doc.fill(value))
            if said == "drop_oldest":
                overflow = "drop_oldest"
            elif said != "block":
                self.doc.say(value.mark, f"connect: overflow: expected 'block' or 'drop_oldest', got {show(said)}")
        feedback = self.feedback(node.get("feedback"))
        if len(ends) < 2 or ends[0] is None or ends[1] is None:
            self.leave_out(ends[-1] if ends else None)
            return []
        return [_Pair(ends[0], ends[1], depth, overflow, feedback)]

    def feedback(self, node: Node | None) -> Feedback | None:
        """Read ``{delay, initial, wait_s}``."""
        if node is None:
            return None
        if not isinstance(node, MapNode) or "delay" not in node.entries:
            self.doc.say(
                node.mark, f"connect: feedback: expected {{delay: items, initial: number}}, got {show(to_plain(node))}"
            )
            return None
        for name, (key, _) in node.entries.items():
            if name not in _FEEDBACK_KEYS:
                self.doc.say(key.mark, f"connect: feedback: {name}: no such key{suggestion(name, _FEEDBACK_KEYS)}")
        delay = self.doc.whole(node, "delay", 1, 1, MAX_DEPTH, "connect: feedback: ")
        initial = self.number(node, "initial", -math.inf, "a number")
        wait_s = self.number(node, "wait_s", 0.0, "seconds above 0")
        return Feedback(delay, initial or 0.0, wait_s)

    def number(self, node: MapNode, key: str, above: float, what: str) -> float | None:
        """Read a number of a feedback edge."""
        entry = node.get(key)
        if entry is None:
            return None
        value = to_plain(self.doc.fill(entry))
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not above < value < math.inf:
            self.doc.say(entry.mark, f"connect: feedback: {key}: expected {what}, got {show(value)}")
            return None
        return float(value)

    def end(self, text: str, mark: Mark) -> _End | None:
        """Read ``block`` or ``block.port``."""
        name, _, port = text.partition(".")
        if name not in self.blocks:
            if self.blocks or not name:
                self.doc.say(mark, f"connect: no block {show(name)}{suggestion(name, self.blocks)}")
            return None
        return _End(name, port, mark)

    def wire(self, pair: _Pair, types: dict[tuple[str, str], PortType]) -> Wire | None:
        """Find the ports that are meant."""
        source, target = pair[:2]
        out = self.output_port(source)
        gives = types.get((source.block, out)) if out else None
        # without the type that comes, which of several inputs is meant cannot be told
        into = self.input_port(target, gives) if gives or target.port or self.has_one_input(target.block) else None
        if out is None or into is None:
            self.leave_out(target)
            return None
        return Wire(source.block, out, target.block, into, target.mark, pair.depth, pair.overflow, pair.feedback)

    def has_one_input(self, name: str) -> bool:
        """Return whether an input need not be named."""
        signature = self.blocks[name].file_signature
        return signature is None or len(signature.inputs) <= 1

    def leave_out(self, target: _End | None) -> None:
        """Note that an edge is missing because of a mistake that was reported."""
        self.incomplete = True
        if target is not None:
            self.meant.add(target.block)

    def output_port(self, end: _End) -> str | None:
        """Return the name of an output; empty where the block is unknown."""
        signature = self.blocks[end.block].file_signature
        if signature is None:
            return ""
        if end.port in signature.outputs:
            return end.port
        if not signature.outputs:
            self.doc.say(end.mark, f"connect: block {end.block!r} has no outputs: it ends a chain")
        elif end.port:
            self.doc.say(
                end.mark,
                f"connect: block {end.block!r} has no output {end.port!r}{suggestion(end.port, signature.outputs)}",
            )
        elif len(signature.outputs) == 1:
            return next(iter(signature.outputs))
        else:
            names = ", ".join(f"{end.block}.{port}" for port in signature.outputs)
            self.doc.say(end.mark, f"connect: block {end.block!r} has several outputs; expected one of {names}")
        return None

    def input_port(self, end: _End, gives: PortType | None) -> str | None:
        """Return the name of an input; empty where the block is unknown. Not named, it is the one that fits."""
        signature = self.blocks[end.block].file_signature
        if signature is None:
            return ""
        if end.port in signature.inputs:
            return end.port
        required = [port for port, kind in signature.inputs.items() if not kind.optional]
        fitting = [port for port, kind in signature.inputs.items() if gives and kind.type.meets(gives)]
        if not signature.inputs:
            self.doc.say(end.mark, f"connect: block {end.block!r} has no inputs: it is a source")
        elif end.port:
            self.doc.say(
                end.mark,
                f"connect: block {end.block!r} has no input {end.port!r}{suggestion(end.port, signature.inputs)}",
            )
        elif len(signature.inputs) == 1:
            return next(iter(signature.inputs))
        elif len(fitting) == 1:
            return fitting[0]
        elif len(required) == 1:
            return required[0]
        else:
            names = ", ".join(f"{end.block}.{port}" for port in signature.inputs)
            self.doc.say(end.mark, f"connect: block {end.block!r} has several inputs; expected one of {names}")
        return None
