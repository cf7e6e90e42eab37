"""Checks `connect`: which port each edge means, types, doubly and not connected inputs, cycles."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ....blocks.ports import PortType
from ..graph import DEFAULT_DEPTH, Edge, Feedback
from .block_entry import BlockEntry
from .document import Document
from .parameters import scalar_text, show, suggestion
from .yaml_reader import MapNode, Mark, Node, Scalar, SeqNode, to_plain

__all__ = ["check_connect"]

EDGE_KEYS = ("from", "to", "depth", "overflow", "feedback")
MAX_DEPTH = 1 << 20


def check_connect(doc: Document, root: MapNode, blocks: dict[str, BlockEntry]) -> tuple[tuple[Edge, ...], bool]:
    """Return the edges, and whether they are all; mistakes gather in ``doc``."""
    check = _Connections(doc, blocks)
    for block in blocks.values():
        if block.file_signature is None:
            block.signature = None  # the file's block is unknown: its edges cannot be moved to the ports of a swap
    wires = check.read_connect(root)
    if all(block.signature for block in blocks.values()):
        wires = check.swap_ports(wires)
    else:
        for block in blocks.values():
            if block.signature != block.file_signature:
                block.signature = None  # its edges still have the ports of the block that it replaces
    check.check_wires(wires)
    types = check.output_types(wires)
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
    return edges, not check.incomplete


@dataclass
class _Wire:
    """An edge while it is checked."""

    source: str
    source_port: str
    target: str
    target_port: str
    mark: Mark
    depth: int = DEFAULT_DEPTH
    overflow: Literal["block", "drop_oldest"] = "block"
    feedback: Feedback | None = None

    @property
    def source_name(self) -> str:
        """``block.port``; ``block`` alone where the block is unknown."""
        return f"{self.source}.{self.source_port}" if self.source_port else self.source


@dataclass(frozen=True)
class _End:
    """``block`` or ``block.port`` as written in `connect`."""

    block: str
    port: str
    mark: Mark


class _Connections:
    """One pass over `connect`."""

    def __init__(self, doc: Document, blocks: dict[str, BlockEntry]) -> None:
        self.doc = doc
        self.blocks = blocks
        self.incomplete = False  # an edge was left out: what follows from that is no mistake of its own
        self.meant: set[str] = set()  # targets of edges that were left out

    def read_connect(self, root: MapNode) -> list[_Wire]:
        """Read `connect`; edges with mistakes are left out."""
        node = root.get("connect")
        if not isinstance(node, SeqNode):
            got = "none" if node is None else show(to_plain(node))
            self.doc.say(
                node.mark if node else root.mark, f"connect: expected a list of chains such as 'a -> b -> c', got {got}"
            )
            return []
        wires: list[_Wire] = []
        for item in node.items:
            if isinstance(item, MapNode):
                wires += self.long_form(item)
            elif isinstance(item, Scalar) and isinstance(item.value, str):
                wires += self.chain(item)
            else:
                self.doc.say(item.mark, f"connect: expected 'a -> b' or {{from: a, to: b}}, got {show(to_plain(item))}")
        return wires

    def chain(self, node: Scalar) -> list[_Wire]:
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
        wires = []
        for index, (source, target) in enumerate(itertools.pairwise(ends)):
            if source is None or target is None:
                self.leave_out(target)
                continue
            if index:  # the port of a block within a chain is its input
                source = replace(source, port="")
            wire = self.wire(source, target)
            if wire is not None:
                wires.append(wire)
        return wires

    def long_form(self, node: MapNode) -> list[_Wire]:
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
        wire = self.wire(ends[0], ends[1])
        return [] if wire is None else [replace(wire, depth=depth, overflow=overflow, feedback=feedback)]

    def feedback(self, node: Node | None) -> Feedback | None:
        """Read ``{delay, initial}``."""
        if node is None:
            return None
        if not isinstance(node, MapNode) or "delay" not in node.entries:
            self.doc.say(
                node.mark, f"connect: feedback: expected {{delay: items, initial: number}}, got {show(to_plain(node))}"
            )
            return None
        for name, (key, _) in node.entries.items():
            if name not in ("delay", "initial"):
                self.doc.say(
                    key.mark, f"connect: feedback: {name}: no such key{suggestion(name, ('delay', 'initial'))}"
                )
        delay = self.doc.whole(node, "delay", 1, 1, MAX_DEPTH, "connect: feedback: ")
        first = node.get("initial")
        initial = 0.0 if first is None else to_plain(self.doc.fill(first))
        if isinstance(initial, bool) or not isinstance(initial, (int, float)):
            self.doc.say(
                first.mark if first else node.mark,
                f"connect: feedback: initial: expected a number, got {show(initial)}",
            )
            initial = 0.0
        return Feedback(delay, float(initial))

    def end(self, text: str, mark: Mark) -> _End | None:
        """Read ``block`` or ``block.port``."""
        name, _, port = text.partition(".")
        if name not in self.blocks:
            if self.blocks or not name:
                self.doc.say(mark, f"connect: no block {show(name)}{suggestion(name, self.blocks)}")
            return None
        return _End(name, port, mark)

    def wire(self, source: _End, target: _End) -> _Wire | None:
        """Find the ports that are meant."""
        out = self.output_port(source)
        signature = self.blocks[source.block].file_signature
        gives = signature.outputs.get(out) if signature and out else None
        # without the type that comes, which of several inputs is meant cannot be told
        into = self.input_port(target, gives) if gives or target.port or self.has_one_input(target.block) else None
        if out is None or into is None:
            self.leave_out(target)
            return None
        return _Wire(source.block, out, target.block, into, target.mark)

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

    def swap_ports(self, wires: list[_Wire]) -> list[_Wire]:
        """Move the edges of swapped blocks to the new block's ports: by name, or by type where there is one each."""
        for entry in self.blocks.values():
            old, new = entry.file_signature, entry.signature
            if entry.swapped is None or old is None or new is None:
                continue
            into = {port: old.inputs[port].type for port in old.inputs if _uses(wires, entry.name, port, "target")}
            out = {port: old.outputs[port] for port in old.outputs if _uses(wires, entry.name, port, "source")}
            inputs = self.match_ports(entry, into, {port: kind.type for port, kind in new.inputs.items()}, "input")
            outputs = self.match_ports(entry, out, new.outputs, "output")
            wires = [
                replace(
                    wire,
                    source_port=outputs.get(wire.source_port, wire.source_port)
                    if wire.source == entry.name
                    else wire.source_port,
                    target_port=inputs.get(wire.target_port, wire.target_port)
                    if wire.target == entry.name
                    else wire.target_port,
                )
                for wire in wires
            ]
        return wires

    def match_ports(
        self, entry: BlockEntry, used: Mapping[str, PortType], new: Mapping[str, PortType], what: str
    ) -> dict[str, str]:
        """Return old port → new port."""
        moved = {}
        for port, kind in used.items():
            if port in new and new[port].meets(kind):
                moved[port] = port
                continue
            same = [name for name, other in new.items() if other.meets(kind)]
            if len(used) == 1 and len(same) == 1:
                moved[port] = same[0]
                continue
            have = ", ".join(f"{name} ({other.name})" for name, other in new.items()) or f"no {what}s"
            self.doc.say(
                entry.swapped or entry.key.mark,
                f"{entry.use} does not fit: expected an {what} {port} ({kind.name}), got {have}",
            )
            entry.signature = None  # what its edges say below would only repeat this
        return moved

    def check_wires(self, wires: list[_Wire]) -> None:
        """Check types, doubly and not connected inputs, blocks without edges, cycles."""
        taken: dict[tuple[str, str], _Wire] = {}
        types = self.output_types(wires)
        for wire in wires:
            source, target = self.blocks[wire.source].signature, self.blocks[wire.target].signature
            if target is not None:
                first = taken.setdefault((wire.target, wire.target_port), wire)
                if first is not wire:
                    at = f", in line {first.mark.line}" if first.mark.line else ""
                    self.doc.say(
                        wire.mark,
                        f"connect: {wire.target}.{wire.target_port} is connected twice: to "
                        f"{first.source_name}{at}, and to {wire.source_name}",
                    )
            if source is None or target is None:
                continue
            gives, takes = types[wire.source, wire.source_port], target.inputs[wire.target_port].type
            if not gives.meets(takes):
                self.doc.say(
                    wire.mark,
                    f"connect: {wire.target}.{wire.target_port}: expected {takes}, got {gives} from "
                    f"{wire.source}.{wire.source_port}",
                )
        for block in self.blocks.values():
            if block.signature is None:
                continue
            mark = block.swapped or block.key.mark
            ends = [wire for wire in wires if block.name in (wire.source, wire.target)]
            if not ends:
                if not self.incomplete:
                    self.doc.say(mark, f"block {block.name!r}: is connected to nothing; connect it or take it out")
                continue
            for port, kind in block.signature.inputs.items():
                if not kind.optional and (block.name, port) not in taken and block.name not in self.meant:
                    self.doc.say(mark, f"block {block.name!r}: input {port} ({kind.type.name}) is not connected")
        self.check_cycles(wires)

    def check_cycles(self, wires: list[_Wire]) -> None:
        """Report each cycle that no feedback edge closes."""
        follow: dict[str, list[_Wire]] = {name: [] for name in self.blocks}
        waits = dict.fromkeys(self.blocks, 0)
        for wire in wires:
            if wire.feedback is None:
                follow[wire.source].append(wire)
                waits[wire.target] += 1
        ready = [name for name, count in waits.items() if not count]
        while ready:
            for wire in follow[ready.pop()]:
                waits[wire.target] -= 1
                if not waits[wire.target]:
                    ready.append(wire.target)
        left = {name for name, count in waits.items() if count}
        while left:
            came: dict[str, _Wire] = {}
            for wire in wires:
                if wire.feedback is None and wire.source in left and wire.target in left:
                    came.setdefault(wire.target, wire)
            name = next((name for name in self.blocks if name in came), None)
            if name is None:
                return
            path: list[str] = []
            while name in came and name not in path:
                path.append(name)
                name = came[name].source
            if name not in path:
                left -= set(path)
                continue
            loop = path[path.index(name) :][::-1]
            loop = loop[-1:] + loop[:-1]
            at = came[loop[0]].mark
            self.doc.say(
                at,
                f"connect: cycle: {' -> '.join([*loop, loop[0]])}; only an edge with "
                "feedback: {delay: items} may close one",
            )
            left -= set(loop)

    def output_types(self, wires: list[_Wire]) -> dict[tuple[str, str], PortType]:
        """Return the type of every output; one of several types gives what comes in, however far back it is said."""
        types = {
            (block.name, port): kind
            for block in self.blocks.values()
            if block.signature
            for port, kind in block.signature.outputs.items()
        }
        for _ in self.blocks:  # each round settles one block more of a chain at the least
            came = {
                wire.target: types[wire.source, wire.source_port]
                for wire in wires
                if (wire.source, wire.source_port) in types and self.takes_several(wire)
            }
            settled = {at: came.get(at[0], kind) if kind.either else kind for at, kind in types.items()}
            if settled == types:
                break
            types = settled
        return {at: kind.choices[0] for at, kind in types.items()}

    def takes_several(self, wire: _Wire) -> bool:
        """Return whether an edge arrives at an input of several types."""
        signature = self.blocks[wire.target].signature
        port = signature.inputs.get(wire.target_port) if signature else None
        return port is not None and bool(port.type.either)


def _uses(wires: list[_Wire], block: str, port: str, side: Literal["source", "target"]) -> bool:
    return any(getattr(wire, side) == block and getattr(wire, f"{side}_port") == port for wire in wires)
