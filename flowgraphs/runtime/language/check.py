"""Makes a resolved graph of a flowgraph file; reports every mistake of the file and of the overrides in one pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ....blocks.signature import read_signature
from ....errors import FlowgraphError, Problem, UnknownBlock, UsageError, printable, suggestion
from ..graph import DEFAULT_JOIN_BYTES, FORMAT_VERSION, BlockNode, Graph
from .block_entry import BlockEntry, given_by, load_class, missing_fields
from .connect import check_connect
from .document import BLOCK_NAME, VARIABLE, Document
from .overrides import Overrides, parse_swap
from .parameters import check_params, scalar_text, show
from .places import check_places
from .shipped import find_flowgraph
from .yaml_reader import Key, MapNode, Mark, Node, read_yaml, to_plain

__all__ = ["Checked", "check_flowgraph", "check_nodes", "load_graph"]

KEYS = ("semcom", "name", "doc", "seed", "vars", "blocks", "connect", "places", "torch_threads", "join_bytes")
MAX_SEED = 2**63 - 1
_GRAPH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Checked:
    """A flowgraph that passed.

    Attributes:
        graph: The resolved graph.
        notes: What the user should know and need not mend: parameters that a swap dropped.
    """

    graph: Graph
    notes: tuple[str, ...] = ()


def load_graph(file: str | Path, overrides: Overrides = Overrides()) -> Graph:  # noqa: B008 - frozen
    """Return the resolved graph of a file.

    Args:
        file: A path, or the name of a shipped flowgraph.
        overrides: What replaces values of the file.

    Raises:
        FlowgraphError: the file or the overrides have mistakes; all are listed.
        UsageError: the file cannot be read.
    """
    return check_flowgraph(file, overrides).graph


def check_flowgraph(file: str | Path, overrides: Overrides = Overrides()) -> Checked:  # noqa: B008 - frozen
    """As `load_graph`, with notes."""
    path = find_flowgraph(file)
    root, problems = read_yaml(path)
    return check_nodes(root, problems, path, overrides)


def check_nodes(root: Node, problems: list[Problem], path: Path, overrides: Overrides) -> Checked:
    """Check a file that has been read; ``problems`` are what reading found."""
    check = _Check(path, overrides, [*problems, *overrides.problems])
    graph = check.run(root)
    if check.doc.problems or graph is None:
        unread = {(problem.line, problem.column) for problem in problems}
        found = [p for p in check.doc.problems if p in problems or (p.line, p.column) not in unread]
        raise FlowgraphError(sorted(dict.fromkeys(found), key=lambda p: (p.line == 0, p.line, p.column)))
    return Checked(graph, tuple(check.doc.notes))


class _Check:
    """One pass over a file; mistakes gather in ``doc``."""

    def __init__(self, path: Path, overrides: Overrides, problems: list[Problem]) -> None:
        self.path = path
        self.overrides = overrides
        self.doc = Document(problems)
        self.blocks: dict[str, BlockEntry] = {}

    def run(self, root: Node) -> Graph | None:
        """Return the graph; it is of no use if there are problems."""
        if not isinstance(root, MapNode):
            self.doc.say(root.mark, "expected a flowgraph: a mapping with semcom, name, blocks and connect")
            return None
        self.version(root)
        for name, (key, _) in root.entries.items():
            if name not in KEYS:
                self.doc.say(key.mark, f"{name}: no such key{suggestion(name, KEYS)}")
        self.read_vars(root.get("vars"))
        name = self.doc.text(root, "name", self.path.stem)
        if not _GRAPH_NAME.fullmatch(name):
            mark = root.entries["name"][1].mark if "name" in root.entries else root.mark
            self.doc.say(mark, f"name: expected letters, digits, '-', '_' and '.', at most 64, got {show(name)}")
        doc = self.doc.text(root, "doc", "")
        seed = self.seed(root)
        torch_threads = self.doc.whole(root, "torch_threads", 1, 1, 1024)
        join_bytes = self.doc.whole(root, "join_bytes", DEFAULT_JOIN_BYTES, 1, 1 << 50)
        self.read_blocks(root)
        edges, complete = check_connect(self.doc, root, self.blocks)
        classes = {block.name: block.cls for block in self.blocks.values() if block.cls is not None}
        if complete and len(classes) == len(self.blocks):
            for reader, message in missing_fields(classes, edges):
                self.doc.say(self.blocks[reader].swapped or self.blocks[reader].key.mark, message)
        places = check_places(self.doc, root.get("places"), self.blocks, edges)
        if self.doc.problems:
            return None
        options = {name: _var_option(name, value) for name, value in self.overrides.vars.items()}
        return Graph(
            name=name,
            doc=doc,
            seed=seed,
            vars=self.doc.vars,
            blocks=tuple(
                BlockNode(block.name, block.use, block.params, block.written(options)) for block in self.blocks.values()
            ),
            edges=edges,
            places=places,
            torch_threads=torch_threads,
            join_bytes=join_bytes,
            file=str(self.path),
        )

    def version(self, root: MapNode) -> None:
        """Refuse other formats at once: what follows would be judged by the wrong rules."""
        node = root.get("semcom")
        if node is None:
            self.doc.say(root.mark, f"expected 'semcom: {FORMAT_VERSION}', the version of the format, got none")
            return
        value = to_plain(node)
        if (isinstance(value, bool) or value != FORMAT_VERSION) and not self.doc.is_unread(node):
            raise FlowgraphError(
                [
                    node.mark.problem(
                        f"semcom: this software reads version {FORMAT_VERSION} of the format, got {show(value)}; "
                        "a newer gr-semcom may read it"
                    )
                ]
            )

    def read_vars(self, node: Node | None) -> None:
        """Read `vars`, then ``--var``."""
        if node is not None and not isinstance(node, MapNode):
            self.doc.say(node.mark, f"vars: expected a mapping of names to values, got {show(to_plain(node))}")
        elif node is not None:
            for name, (key, value) in node.entries.items():
                if not VARIABLE.fullmatch(f"${name}"):
                    self.doc.say(
                        key.mark, f"vars: {name}: expected a name of letters, digits and '_', got {show(name)}"
                    )
                if VARIABLE.fullmatch(scalar_text(value) or ""):
                    self.doc.say(value.mark, f"vars: {name}: expected a value, got another variable")
                self.doc.vars[name] = to_plain(value)
                if self.doc.is_unread(value):
                    self.doc.unread.add(name)
        for name, given in self.overrides.vars.items():
            if name not in self.doc.vars:
                self.doc.say(
                    Mark(_var_option(name, given)),
                    f"the flowgraph has no variable {name!r}{suggestion(name, self.doc.vars)}",
                )
            elif isinstance(given, str) and VARIABLE.fullmatch(given):
                self.doc.say(Mark(f"--var {name}={given}"), "expected a value, got another variable")
            else:
                self.doc.vars[name] = given
                self.doc.unread.discard(name)

    def seed(self, root: MapNode) -> int:
        """Return the seed of the file, or of ``--seed``."""
        own = self.doc.whole(root, "seed", 0, 0, MAX_SEED)
        given = self.overrides.seed
        if given is not None and not 0 <= given <= MAX_SEED:
            self.doc.say(Mark(f"--seed {given}"), f"expected a whole number from 0 to {MAX_SEED}")
        return own if given is None else given

    def read_blocks(self, root: MapNode) -> None:
        """Read `blocks`, apply swaps and sets, check every parameter."""
        node = root.get("blocks")
        if not isinstance(node, MapNode) or not node.entries:
            got = "none" if node is None else show(to_plain(node))
            self.doc.say(node.mark if node else root.mark, f"blocks: expected a mapping of names to blocks, got {got}")
            return
        for name, (key, value) in node.entries.items():
            self.read_block(name, key, value)
        self.apply_swaps()
        unknown = self.apply_sets()
        self.apply_out()
        for block in self.blocks.values():
            if block.cls is None:
                continue
            before = len(self.doc.filled)
            given = {
                name: (key, self.doc.fill(value) if key.mark.line else value)
                for name, (key, value) in block.given.items()
            }
            block.variables += list(self.doc.filled.values())[before:]
            params, problems = check_params(
                block.cls.Params,
                given,
                block.swapped or block.key.mark,
                f"block {block.name!r}",
                base=Path() if block.swapped else self.path.parent,
            )
            unread = {(node.mark.line, node.mark.column) for _, node in given.values() if self.doc.is_unread(node)}
            self.doc.problems += self.explained([p for p in problems if (p.line, p.column) not in unread])
            block.params = params or {}
        self.doc.problems += unknown

    def explained(self, problems: list[Problem]) -> list[Problem]:
        """Say which variable a wrong value comes from; leave out what follows from a variable that there is not."""
        known = {(problem.line, problem.column) for problem in self.doc.problems if problem.line}
        told = []
        for problem in problems:
            at = problem.line, problem.column
            name = self.doc.filled.get(at) if problem.line else None
            if name is not None:
                origin = f"--var {name}" if name in self.overrides.vars else f"${name} of 'vars'"
                problem = problem._replace(message=f"{problem.message}; it comes from {origin}")
            if at not in known and name not in self.doc.unread:
                told.append(problem)
        return told

    def read_block(self, name: str, key: Key, node: Node) -> None:
        """Read one entry of `blocks`."""
        entry = BlockEntry(name, key)
        self.blocks[name] = entry
        if not BLOCK_NAME.fullmatch(name):
            self.doc.say(key.mark, f"blocks: {show(name)}: expected a name of letters, digits, '_' and '-', at most 64")
        if not isinstance(node, MapNode):
            self.doc.say(
                node.mark,
                f"block {name!r}: expected {{use: blocks/name, parameter: value}}, got {show(to_plain(node))}",
            )
            return
        use = node.get("use")
        if use is None:
            self.doc.say(key.mark, f"block {name!r}: use: required, not given; `semcom blocks` lists the blocks")
            return
        text = scalar_text(self.doc.fill(use))
        match = VARIABLE.fullmatch(scalar_text(use) or "")
        entry.variables = [match[1]] if match else []
        entry.given = {param: pair for param, pair in node.entries.items() if param != "use"}
        if text is None:
            self.doc.say(use.mark, f"block {name!r}: use: expected the name of a block, got {show(to_plain(use))}")
            return
        try:
            entry.cls, entry.use = load_class(text, self.path.parent)
            entry.signature = entry.file_signature = read_signature(entry.cls)
        except UnknownBlock as error:
            entry.cls = None
            self.doc.say(use.mark, f"block {name!r}: use: {error}")

    def apply_swaps(self) -> None:
        """Put the blocks of ``--swap`` in place; parameters of the same name stay."""
        for name, spec in self.overrides.swaps.items():
            mark = Mark(f"--swap {name}={spec}")
            entry = self.blocks.get(name)
            if entry is None:
                self.doc.say(mark, f"no block {name!r}{suggestion(name, self.blocks)}")
                continue
            try:
                swap = parse_swap(spec, "")
                cls, use = load_class(swap.use, Path())
                signature = read_signature(cls)
            except FlowgraphError as error:
                self.doc.problems += [mark.problem(problem.message) for problem in error.problems]
                continue
            except UsageError as error:
                self.doc.say(mark, str(error).removeprefix(": "))
                continue
            dropped = [param for param in entry.given if param not in cls.Params.model_fields]
            if dropped and cls is not entry.cls:
                self.doc.notes.append(
                    f"--swap {name}={spec}: {use} has no {', '.join(dropped)}: dropped what the file says of "
                    f"{'it' if len(dropped) == 1 else 'them'}"
                )
                entry.given = {param: pair for param, pair in entry.given.items() if param not in dropped}
            entry.given = {**entry.given, **given_by(swap.params, mark.file)}
            entry.cls, entry.use, entry.signature, entry.swapped = cls, use, signature, mark
            entry.variables = []  # that of `use`

    def apply_sets(self) -> list[Problem]:
        """Put in the values of ``--set``; return what is wrong with them that the parameters' check would not find."""
        problems = []
        for dotted, value in self.overrides.sets.items():
            mark = Mark(f"--set {dotted}={_plain(value)}")
            name, _, param = dotted.partition(".")
            entry = self.blocks.get(name)
            if entry is None:
                problems.append(mark.problem(f"no block {name!r}{suggestion(name, self.blocks)}"))
            elif not param:
                problems.append(mark.problem("expected block.parameter=value"))
            elif param == "use":
                problems.append(mark.problem(f"another block is a swap: --swap {name}={_plain(value)}"))
            else:
                entry.given = {**entry.given, **given_by({param: value}, mark.file)}
        return problems

    def apply_out(self) -> None:
        """Put in the folder of ``--out``."""
        out = self.overrides.out
        if out is None:
            return
        if printable(out) != out:
            self.doc.say(Mark(f"--out {out}"), "expected a folder whose name is UTF-8, got other bytes in it")
            return
        writers = [block for block in self.blocks.values() if block.cls and "out" in block.cls.Params.model_fields]
        if not writers:
            self.doc.notes.append(f"--out {out}: no block of this flowgraph has a parameter 'out'")
        for block in writers:
            if f"{block.name}.out" not in self.overrides.sets:
                folder = out if len(writers) == 1 else str(Path(out) / block.name)
                block.given = {**block.given, **given_by({"out": folder}, f"--out {out}")}


def _var_option(name: str, value: Any) -> str:
    return f"--var {name}={_plain(value)}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode() if _is_plain(value) else str(value)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, list, dict))
