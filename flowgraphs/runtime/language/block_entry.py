"""Blocks of a file while it is checked, and what is asked of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....blocks.block import Block
from ....blocks.lookup import find_block, list_blocks, load_block
from ....blocks.signature import Signature
from ....errors import UnknownBlock, printable
from ....sim.side_information.field import HeaderField
from ..graph import Edge
from .parameters import show
from .yaml_reader import Key, Mark, Node, node_of

__all__ = ["BlockEntry", "given_by", "load_class", "missing_fields"]


@dataclass
class BlockEntry:
    """A block of the file while it is checked; ``cls`` and ``signature`` are those of the swap where there is one."""

    name: str
    key: Key
    use: str = ""
    cls: type[Block] | None = None
    signature: Signature | None = None
    file_signature: Signature | None = None
    given: dict[str, tuple[Key, Node]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    swapped: Mark | None = None
    variables: list[str] = field(default_factory=list)

    def written(self, vars: Mapping[str, str]) -> tuple[str, ...]:
        """Where the block and its parameters are said.

        Args:
            vars: Variable → the option that set it.

        Returns:
            The block's position in the file, or its ``--swap``; then the options that its parameters come from.
        """
        marks = [self.swapped or self.key.mark, *(key.mark for key, _ in self.given.values() if not key.mark.line)]
        options = [vars[name] for name in self.variables if name in vars]
        return tuple(dict.fromkeys(printable(text) for text in (*map(str, marks), *options)))


def load_class(use: str, base: Path) -> tuple[type[Block], str]:
    """Return a block's class and the name it has in a resolved graph: a file's is its absolute path."""
    if "\0" in use or len(use) > 1000:
        raise UnknownBlock(f"no block {show(use)}")
    try:
        cls = load_block(use, base)
        return cls, str(find_block(use, base).path) if use.endswith(".py") else use
    except (OSError, ValueError, RuntimeError) as error:  # a path that the system refuses
        raise UnknownBlock(f"no block {show(use)}: {error}") from None


def given_by(values: Mapping[str, Any], label: str) -> dict[str, tuple[Key, Node]]:
    """Return values of an option as parameters that stand at that option."""
    mark = Mark(label)
    return {name: (Key(name, mark), node_of(value, mark)) for name, value in values.items()}


def missing_fields(classes: Mapping[str, type[Block]], edges: tuple[Edge, ...]) -> list[tuple[str, str]]:
    """Return block and message for every header field that a block reads and none upstream of it writes."""
    sources: dict[str, set[str]] = {name: set() for name in classes}
    for edge in edges:
        sources[edge.target].add(edge.source)
    found = []
    for name, cls in classes.items():
        if not cls.reads_header:
            continue
        upstream, new = set(), set(sources[name])
        while new:
            upstream |= new
            new = {source for block in new for source in sources[block]} - upstream
        written = {
            header.__name__
            for block in upstream
            for header in (*classes[block].writes_header, *classes[block].may_write_header)
        }
        for header in cls.reads_header:
            if not {header.__name__, HeaderField.__name__} & written:
                writers = ", ".join(_writers(header.__name__)) or "no known block"
                found.append(
                    (
                        name,
                        f"block {name!r}: needs the header field {header.__name__}, which no block upstream of it "
                        f"writes ({writers} {'write' if ',' in writers else 'writes'} it)",
                    )
                )
    return found


def _writers(header: str) -> list[str]:
    """Return the known blocks that write a header field."""
    found = []
    for block in list_blocks():
        if block.broken:
            continue
        try:
            cls = load_block(block.use)
        except UnknownBlock:
            continue
        if any(written.__name__ == header for written in cls.writes_header):
            found.append(block.use)
    return found
