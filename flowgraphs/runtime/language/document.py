"""A flowgraph file while it is checked: its mistakes gather here, and its variables are put in here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from ....errors import Problem, suggestion
from .parameters import scalar_text, show
from .yaml_reader import MapNode, Mark, Node, SeqNode, node_of, to_plain

__all__ = ["BLOCK_NAME", "VARIABLE", "Document"]

BLOCK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


@dataclass
class Document:
    """What every part of the check shares.

    Attributes:
        problems: The mistakes so far.
        notes: What the user should know and need not mend.
        vars: Variables and their values, ``--var`` applied.
        filled: Line and column → the variable that was put in there.
        unread: Variables whose value was not read: what follows from them is not told.
    """

    problems: list[Problem]
    notes: list[str] = field(default_factory=list)
    vars: dict[str, Any] = field(default_factory=dict)
    filled: dict[tuple[int, int], str] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)

    def say(self, mark: Mark, message: str) -> None:
        """Report a mistake."""
        self.problems.append(mark.problem(message))

    def is_unread(self, node: Node) -> bool:
        """Say whether reading found a mistake in this value."""
        if isinstance(node, SeqNode):
            return any(self.is_unread(item) for item in node.items)
        if isinstance(node, MapNode):
            return any(self.is_unread(value) for _, value in node.entries.values())
        at = node.mark.line, node.mark.column
        return bool(at[0]) and any((problem.line, problem.column) == at for problem in self.problems)  # 0: of an option

    def text(self, root: MapNode, key: str, default: str) -> str:
        """Read a text."""
        node = root.get(key)
        if node is None:
            return default
        value = scalar_text(self.fill(node))
        if value is None:
            self.say(node.mark, f"{key}: expected text, got {show(to_plain(node))}")
            return default
        return value

    def whole(self, root: MapNode, key: str, default: int, low: int, high: int, prefix: str = "") -> int:
        """Read a whole number within bounds."""
        node = root.get(key)
        if node is None:
            return default
        value = to_plain(self.fill(node))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.say(node.mark, f"{prefix}{key}: expected a whole number from {low} to {high}, got {show(value)}")
            return default
        return value

    def fill(self, node: Node) -> Node:
        """Put in the variables: a text that is ``$name`` as a whole; ``$$`` begins a text that begins with ``$``."""
        if isinstance(node, SeqNode):
            return replace(node, items=tuple(self.fill(item) for item in node.items))
        if isinstance(node, MapNode):
            return replace(node, entries={name: (key, self.fill(value)) for name, (key, value) in node.entries.items()})
        text = scalar_text(node)
        if text is None:
            return node
        if text.startswith("$$"):
            return replace(node, value=text[1:])
        match = VARIABLE.fullmatch(text)
        if match is None:
            return node
        if match[1] not in self.vars:
            self.say(node.mark, f"no variable {match[1]!r}{suggestion(match[1], self.vars)}; 'vars' defines them")
            return replace(node, value=None)
        self.filled[node.mark.line, node.mark.column] = match[1]
        return node_of(self.vars[match[1]], node.mark)
