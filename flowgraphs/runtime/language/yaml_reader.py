"""Reads YAML into nodes that remember where they stand. Nothing is constructed, nothing is evaluated.

Numbers and booleans follow the YAML 1.2 core schema: ``1e6`` is a number, ``0o10`` is eight, ``010`` is ten; ``on``,
``no`` and ``12:30`` are text. Duplicate keys are mistakes; anchors, aliases and tags are refused; size and depth are
bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from ....errors import FlowgraphError, Problem, UsageError

__all__ = [
    "Key",
    "MapNode",
    "Mark",
    "Node",
    "Scalar",
    "SeqNode",
    "node_of",
    "parse_value",
    "parse_yaml",
    "read_yaml",
    "to_plain",
]

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_PROBLEMS = 100  # of reading: with more it is no flowgraph

_INT = re.compile(r"[-+]?[0-9]+")
_OCT = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNUSABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Mark:
    """A position, counted from 1; line 0 stands for a command-line option that has the place of the file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def problem(self, message: str) -> Problem:
        """Return a mistake at this position."""
        return Problem(self.file, self.line, self.column, message)


@dataclass(frozen=True)
class Scalar:
    """A value without parts.

    Attributes:
        value: What it means.
        text: As written, quotes removed.
        text_column: Column where the text starts; 0 when it spans several lines.
    """

    value: bool | int | float | str | None
    mark: Mark
    text: str = ""
    text_column: int = 0


@dataclass(frozen=True)
class SeqNode:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True)
class Key:
    """A key of a mapping and its position."""

    name: str
    mark: Mark


@dataclass(frozen=True)
class MapNode:
    """A mapping; keys are text as written."""

    entries: dict[str, tuple[Key, Node]]
    mark: Mark

    def get(self, name: str) -> Node | None:
        """Return the value of a key, or None."""
        entry = self.entries.get(name)
        return entry[1] if entry else None


Node: TypeAlias = Scalar | SeqNode | MapNode


def read_yaml(path: Path, file: str = "") -> tuple[Node, list[Problem]]:
    """Read a file.

    Args:
        path: The file.
        file: Its name in messages; the path itself when empty.

    Returns:
        The root, and the mistakes that do not hinder reading on: duplicate keys, and values that are not read, which
        are null in the tree.

    Raises:
        FlowgraphError: it is not YAML, not UTF-8, too large or nested too deep.
        UsageError: it cannot be read at all.
    """
    file = file or str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise FlowgraphError([Problem(file, 1, 1, f"expected at most {MAX_BYTES} bytes of YAML, got more")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace")
        raise FlowgraphError(
            [Problem(file, *_position(before, len(before)), f"expected UTF-8, got byte 0x{data[error.start]:02x}")]
        ) from None
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> tuple[Node, list[Problem]]:
    """Read text; as `read_yaml`."""
    if len(text) > MAX_BYTES:
        raise FlowgraphError([Problem(file, 1, 1, f"expected at most {MAX_BYTES} bytes of YAML, got more")])
    problems: list[Problem] = []
    try:
        root = _build(yaml.parse(text, Loader=yaml.SafeLoader), file, problems)
    except yaml.reader.ReaderError as error:
        line, column = _position(text, error.position)
        char = error.character if isinstance(error.character, int) else ord(error.character)
        half = "; a file whose name is not UTF-8 is reached by its folder" if 0xD800 <= char < 0xE000 else ""
        _refuse(Mark(file, line, column), f"expected printable text, got the character U+{char:04X}{half}")
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        mark = Mark(file, where.line + 1, where.column + 1) if where else Mark(file, 1, 1)
        context = f" {error.context}" if error.context else ""
        _refuse(mark, f"not YAML: {error.problem or 'cannot be read'}{context}{_hint(error.problem or '')}")
    except yaml.YAMLError as error:
        _refuse(Mark(file, 1, 1), f"not YAML: {error}")
    except (ValueError, OverflowError, IndexError) as error:  # PyYAML's scanner on an escape such as "\UFFFFFFFF"
        _refuse(Mark(file, 1, 1), f"not YAML: {error}")
    return root, problems


def parse_value(text: str, label: str) -> Node:
    """Read the value of an option such as ``--set channel.esn0_db=5``; mistakes name ``label``."""
    try:
        root, problems = parse_yaml(text, label)
    except FlowgraphError as error:
        root, problems = Scalar(None, Mark(label)), list(error.problems)
    if problems:
        raise FlowgraphError([Problem(label, 0, 0, problem.message) for problem in problems])
    return node_of(to_plain(root), Mark(label))


def to_plain(node: Node) -> Any:
    """Return the plain values of a node."""
    match node:
        case Scalar():
            return node.value
        case SeqNode():
            return [to_plain(item) for item in node.items]
        case MapNode():
            return {name: to_plain(value) for name, (_, value) in node.entries.items()}


def node_of(value: Any, mark: Mark) -> Node:
    """Return plain values (of an option, of a running flowgraph) as a node that stands at ``mark``."""
    if isinstance(value, dict):
        return MapNode({str(name): (Key(str(name), mark), node_of(part, mark)) for name, part in value.items()}, mark)
    if isinstance(value, (list, tuple)):
        return SeqNode(tuple(node_of(part, mark) for part in value), mark)
    if value is None or isinstance(value, (bool, int, float, str)):
        return Scalar(value, mark, value if isinstance(value, str) else "")
    return Scalar(str(value), mark, str(value))


def _build(events: Iterator[Any], file: str, problems: list[Problem]) -> Node:
    """Make a tree of PyYAML's flat events; without recursion, so that depth cannot exhaust the stack."""
    root: Node | None = None
    open_nodes: list[_Open] = []
    for event in events:
        mark = Mark(file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            _refuse(mark, "expected one document, got another after '---'")
        _check_plain(event, mark, problems)
        if isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            if open_nodes and open_nodes[-1].wants_key:
                _add_key(open_nodes[-1], getattr(event, "value", f"*{event.anchor}"), mark, problems)
                continue
            node: Node = _scalar(event, mark, problems)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            _check_place(open_nodes, mark)
            open_nodes.append(_Open(mark, {} if isinstance(event, yaml.MappingStartEvent) else None, []))
            continue
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            node = open_nodes.pop().closed()
        else:
            continue
        if open_nodes:
            open_nodes[-1].add(node)
        else:
            root = node
    if root is None:
        _refuse(Mark(file, 1, 1), "expected a flowgraph, got an empty file")
    return root


def _check_place(open_nodes: list[_Open], mark: Mark) -> None:
    """Refuse a collection as a key, and one too deep within others: what follows could not be told apart."""
    if open_nodes and open_nodes[-1].wants_key:
        _refuse(mark, "expected text as a key, got a list or a mapping")
    if len(open_nodes) >= MAX_DEPTH:
        _refuse(mark, f"expected at most {MAX_DEPTH} levels, got more")


def _check_plain(event: Any, mark: Mark, problems: list[Problem]) -> None:
    """Find anchors, aliases and tags: mistakes that do not hinder reading on, unless they are too many."""
    if getattr(event, "anchor", None) is not None:
        problems.append(mark.problem("anchors and aliases (&, *) are not read here; use 'vars' and $name"))
    elif getattr(event, "tag", None) is not None:
        hint = "; quote a text that begins with '!'" if isinstance(event, yaml.ScalarEvent) else ""
        problems.append(mark.problem(f"tags such as {event.tag!r:.60} are not read here{hint}"))
    if len(problems) > MAX_PROBLEMS:
        raise FlowgraphError(problems)


@dataclass
class _Open:
    """A collection whose end has not come yet; ``entries`` is None for a list."""

    mark: Mark
    entries: dict[str, tuple[Key, Node]] | None
    items: list[Node]
    key: Key | None = None
    duplicate: bool = False

    @property
    def wants_key(self) -> bool:
        return self.entries is not None and self.key is None

    def closed(self) -> Node:
        return SeqNode(tuple(self.items), self.mark) if self.entries is None else MapNode(self.entries, self.mark)

    def add(self, node: Node) -> None:
        """Put in a value; behind a key that was there already it is left out."""
        if self.entries is None:
            self.items.append(node)
        elif self.key is not None:
            if not self.duplicate:
                self.entries[self.key.name] = (self.key, node)
            self.key, self.duplicate = None, False


def _add_key(parent: _Open, name: str, mark: Mark, problems: list[Problem]) -> None:
    entries = parent.entries or {}
    if _UNUSABLE.search(name):
        problems.append(mark.problem("expected text as a key, got a control character in it"))
    parent.key = Key(name, mark)
    parent.duplicate = name in entries
    if parent.duplicate:
        problems.append(mark.problem(f"{name}: given twice, first in line {entries[name][0].mark.line}"))


def _scalar(event: Any, mark: Mark, problems: list[Problem]) -> Scalar:
    """A value; null where it is not read, which is a mistake and does not hide those that follow."""
    if event.anchor is not None or event.tag is not None:
        return Scalar(None, mark)
    text: str = event.value
    one_line = event.start_mark.line == event.end_mark.line
    column = 0 if not one_line else mark.column + (1 if event.style in ("'", '"') else 0)
    try:
        if _UNUSABLE.search(text):
            raise ValueError("expected text, got a control character or half of a surrogate pair in it")
        return Scalar(_resolve(text) if event.style is None else text, mark, text, column)  # None: plain, no quotes
    except ValueError as error:
        problems.append(mark.problem(str(error)))
        return Scalar(None, mark)


def _resolve(text: str) -> bool | int | float | str | None:
    """YAML 1.2 core schema, section 10.3.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"expected a finite number, got {text}")
    number: int | float
    if len(text) > 400 and _FLOAT.fullmatch(text):
        raise ValueError(f"expected a number of at most 400 digits, got {len(text)}")
    if _INT.fullmatch(text):
        number = int(text)
    elif _OCT.fullmatch(text):
        number = int(text[2:], 8)
    elif _HEX.fullmatch(text):
        number = int(text[2:], 16)
    elif _FLOAT.fullmatch(text):
        number = float(text)
    else:
        return text
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise ValueError(f"expected a whole number of at most 64 bits, got {text:.40}")
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, got {text:.40}")
    return number


def _hint(problem: str) -> str:
    if "'\\t'" in problem:
        return "; indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "; check the indentation, or quote a text that has ': ' in it"
    return ""


def _position(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _refuse(mark: Mark, message: str) -> NoReturn:
    raise FlowgraphError([mark.problem(message.replace("\n", " "))])
