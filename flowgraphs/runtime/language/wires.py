"""The edges of a file once their ports are known: types, doubly and not connected inputs, swapped blocks, cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ....blocks.ports import PortType
from ..graph import DEFAULT_DEPTH, Feedback
from .block_entry import BlockEntry
from .document import Document
from .port_types import Wired, output_types
from .yaml_reader import Mark

__all__ = ["Wire", "check_wires", "swap_ports", "types_of"]

Types = Mapping[tuple[str, str], PortType]


@dataclass
class Wire:
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


def types_of(blocks: Mapping[str, BlockEntry], wires: list[Wire]) -> dict[tuple[str, str], PortType]:
    """Return the type of every output of known blocks, by block and port."""
    signatures = {name: block.signature for name, block in blocks.items() if block.signature is not None}
    wired = [Wired(wire.source, wire.source_port, wire.target, wire.target_port) for wire in wires]
    return {at: kind.choices[0] for at, kind in output_types(signatures, wired).items()}


def swap_ports(doc: Document, blocks: Mapping[str, BlockEntry], wires: list[Wire]) -> list[Wire]:
    """Move the edges of swapped blocks to the new block's ports: by name, or by type where there is one each."""
    for entry in blocks.values():
        old, new = entry.file_signature, entry.signature
        if entry.swapped is None or old is None or new is None:
            continue
        ends = {(wire.target, wire.target_port) for wire in wires}
        starts = {(wire.source, wire.source_port) for wire in wires}
        into = {port: kind.type for port, kind in old.inputs.items() if (entry.name, port) in ends}
        out = {port: kind for port, kind in old.outputs.items() if (entry.name, port) in starts}
        inputs = _match(doc, entry, into, {port: kind.type for port, kind in new.inputs.items()}, "input")
        outputs = _match(doc, entry, out, new.outputs, "output")
        wires = [
            replace(
                wire,
                source_port=(outputs if wire.source == entry.name else {}).get(wire.source_port, wire.source_port),
                target_port=(inputs if wire.target == entry.name else {}).get(wire.target_port, wire.target_port),
            )
            for wire in wires
        ]
    return wires


def _match(
    doc: Document, entry: BlockEntry, used: Mapping[str, PortType], new: Mapping[str, PortType], what: str
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
        doc.say(
            entry.swapped or entry.key.mark,
            f"{entry.use} does not fit: expected an {what} {port} ({kind.name}), got {have}",
        )
        entry.signature = None  # what its edges say below would only repeat this
    return moved


def check_wires(
    doc: Document, blocks: Mapping[str, BlockEntry], wires: list[Wire], *, left_out: set[str] | None
) -> None:
    """Check types, doubly and not connected inputs, blocks without edges, cycles.

    Args:
        doc: Where mistakes gather.
        blocks: Of the file.
        wires: Between them.
        left_out: Targets of edges that were left out because of mistakes; None when every edge is there.
    """
    taken: dict[tuple[str, str], Wire] = {}
    types = types_of(blocks, wires)
    for wire in wires:
        if blocks[wire.target].signature is not None:
            _check_taken(doc, taken.setdefault((wire.target, wire.target_port), wire), wire)
        _check_type(doc, blocks, types, wire)
    for block in blocks.values():
        if block.signature is None:
            continue
        mark = block.swapped or block.key.mark
        if all(block.name not in (wire.source, wire.target) for wire in wires):
            if left_out is None:
                doc.say(mark, f"block {block.name!r}: is connected to nothing; connect it or take it out")
            continue
        for port, kind in block.signature.inputs.items():
            if not kind.optional and (block.name, port) not in taken and block.name not in (left_out or ()):
                doc.say(mark, f"block {block.name!r}: input {port} ({kind.type.name}) is not connected")
    _check_cycles(doc, list(blocks), wires)


def _check_taken(doc: Document, first: Wire, wire: Wire) -> None:
    if first is wire:
        return
    at = f", in line {first.mark.line}" if first.mark.line else ""
    doc.say(
        wire.mark,
        f"connect: {wire.target}.{wire.target_port} is connected twice: to {first.source_name}{at}, and to "
        f"{wire.source_name}",
    )


def _check_type(doc: Document, blocks: Mapping[str, BlockEntry], types: Types, wire: Wire) -> None:
    source, target = blocks[wire.source].signature, blocks[wire.target].signature
    if source is None or target is None:
        return
    gives, takes = types[wire.source, wire.source_port], target.inputs[wire.target_port].type
    if not gives.meets(takes):
        doc.say(
            wire.mark,
            f"connect: {wire.target}.{wire.target_port}: expected {takes}, got {gives} from "
            f"{wire.source}.{wire.source_port}",
        )
    if wire.feedback is None or wire.feedback.wait_s is None:
        return
    if takes.stream or not target.inputs[wire.target_port].optional:
        doc.say(
            wire.mark,
            f"connect: feedback: wait_s: expected an input of items that may stay open, got {wire.target}."
            f"{wire.target_port}; leave wait_s out, or let the block do without this input",
        )


def _check_cycles(doc: Document, names: list[str], wires: list[Wire]) -> None:
    """Report each cycle that no feedback edge closes."""
    left = _in_cycles(names, wires)
    while left:
        came: dict[str, Wire] = {}
        for wire in wires:
            if wire.feedback is None and wire.source in left and wire.target in left:
                came.setdefault(wire.target, wire)
        name = next((name for name in names if name in came), None)
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
        doc.say(
            came[loop[0]].mark,
            f"connect: cycle: {' -> '.join([*loop, loop[0]])}; only an edge with feedback: {{delay: items}} may close "
            "one",
        )
        left -= set(loop)


def _in_cycles(names: list[str], wires: list[Wire]) -> set[str]:
    """Return the blocks that are in a cycle, or behind one: their turn never comes."""
    follow: dict[str, list[Wire]] = {name: [] for name in names}
    waits = dict.fromkeys(names, 0)
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
    return {name for name, count in waits.items() if count}
