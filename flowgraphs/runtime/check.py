"""Makes a resolved graph of a flowgraph file; reports every mistake of the file and of the overrides in one pass."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from ...blocks.block import Block
from ...blocks.lookup import find_block, list_blocks, load_block
from ...blocks.params import live_names
from ...blocks.ports import PortType
from ...blocks.signature import Signature, read_signature
from ...errors import FlowgraphError, Problem, UnknownBlock, UsageError
from .graph import DEFAULT_DEPTH, DEFAULT_JOIN_BYTES, FORMAT_VERSION, BlockNode, Edge, Feedback, Graph, Place
from .overrides import Overrides, parse_swap
from .parameters import check_params, scalar_text, show, suggestion
from .shipped import find_flowgraph
from .yaml_reader import Key, MapNode, Mark, Node, Scalar, SeqNode, node_of, read_yaml, to_plain

__all__ = ["Checked", "check_flowgraph", "load_graph", "resolve_set", "resolve_swap"]

KEYS = ("semcom", "name", "doc", "seed", "vars", "blocks", "connect", "places", "torch_threads", "join_bytes")
EDGE_KEYS = ("from", "to", "depth", "overflow", "feedback")
PLACE_KEYS = ("blocks", "endpoint")
MAX_DEPTH = 1 << 20
MAX_SEED = 2**63 - 1
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_GRAPH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_ENDPOINT = re.compile(r"tcp://([A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})")


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
    check = _Check(path, overrides, list(problems))
    graph = check.run(root)
    if check.problems or graph is None:
        raise FlowgraphError(sorted(set(check.problems), key=lambda p: (p.line == 0, p.line, p.column)))
    return Checked(graph, tuple(check.notes))


def resolve_swap(graph: Graph, name: str, spec: str) -> BlockNode:
    """Return the block that takes the place of ``name`` in a running graph.

    Args:
        graph: The resolved graph as it runs.
        name: The block to replace.
        spec: ``use[:parameter=value,...]``. Further parameters of the same name keep their values where they fit.

    Raises:
        UsageError: no such block, its ports do not fit those that are connected, or a parameter is wrong.
    """
    label = f"swap {name}={spec}"
    old = _running_block(graph, name, label)
    swap = parse_swap(spec, label)
    cls, use = _load(swap.use, Path())
    new, was = read_signature(cls), read_signature(load_block(old.use))
    for edge in graph.edges:
        if edge.target == name and (
            edge.target_port not in new.inputs or new.inputs[edge.target_port].type != was.inputs[edge.target_port].type
        ):
            have = ", ".join(f"{port} ({kind.type.name})" for port, kind in new.inputs.items()) or "no inputs"
            raise UsageError(f"{label}: expected an input {edge.target_port} ({edge.port}), got {have}")
        if edge.source == name and (
            edge.source_port not in new.outputs or new.outputs[edge.source_port] != was.outputs[edge.source_port]
        ):
            have = ", ".join(f"{port} ({kind.name})" for port, kind in new.outputs.items()) or "no outputs"
            raise UsageError(f"{label}: expected an output {edge.source_port} ({edge.port}), got {have}")
    connected = {edge.target_port for edge in graph.edges if edge.target == name}
    for port, kind in new.inputs.items():
        if port not in connected and not kind.optional:
            raise UsageError(f"{label}: its input {port} ({kind.type.name}) would not be connected")
    fields = cls.Params.model_fields
    kept = {key: value for key, value in old.params.items() if key in fields and key not in swap.params}
    for key in list(kept):  # a value that does not fit the new block falls back to the new block's default
        _, wrong = check_params(cls.Params, _given({**kept, **swap.params}, label), Mark(label), "")
        if any(problem.message.startswith((f": {key}:", f": {key}.", f": {key}[")) for problem in wrong):
            del kept[key]
    params, problems = check_params(cls.Params, _given({**kept, **swap.params}, label), Mark(label), f"block {name!r}")
    if params is None:
        raise FlowgraphError(problems)
    node = BlockNode(name, use, params)
    blocks = tuple(node if block.name == name else block for block in graph.blocks)
    classes = {block.name: cls if block.name == name else load_block(block.use) for block in blocks}
    missing = _missing_fields(classes, graph.edges)
    if missing:
        raise FlowgraphError([Problem(label, 0, 0, message) for _, message in missing])
    return node


def resolve_set(graph: Graph, name: str, param: str, value: Any) -> BlockNode:
    """Return block ``name`` with a `Live` parameter changed.

    Raises:
        UsageError: no such block or parameter, the parameter is not live, or the value does not fit.
    """
    label = f"set {name}.{param}={show(value)}"
    old = _running_block(graph, name, label)
    cls = load_block(old.use)
    if param not in cls.Params.model_fields:
        raise UsageError(f"{label}: {old.use} has no parameter {param!r}{suggestion(param, cls.Params.model_fields)}")
    live = sorted(live_names(cls.Params))
    if param not in live:
        can = f"these can: {', '.join(live)}" if live else "none of its parameters can"
        raise UsageError(f"{label}: {param} cannot change while the flowgraph runs; {can}")
    params, problems = check_params(
        cls.Params, _given({**old.params, param: value}, label), Mark(label), f"block {name!r}"
    )
    if params is None:
        raise FlowgraphError(problems)
    return BlockNode(name, old.use, params)


@dataclass
class _BlockEntry:
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


@dataclass(frozen=True)
class _End:
    """``block`` or ``block.port`` as written in `connect`."""

    block: str
    port: str
    mark: Mark


class _Check:
    """One pass over a file; mistakes gather in ``problems``."""

    def __init__(self, path: Path, overrides: Overrides, problems: list[Problem]) -> None:
        self.path = path
        self.overrides = overrides
        self.problems = problems
        self.notes: list[str] = []
        self.vars: dict[str, Any] = {}
        self.blocks: dict[str, _BlockEntry] = {}

    def run(self, root: Node) -> Graph | None:
        """Return the graph; it is of no use if there are problems."""
        if not isinstance(root, MapNode):
            self.say(root.mark, "expected a flowgraph: a mapping with semcom, name, blocks and connect")
            return None
        self.version(root)
        for name, (key, _) in root.entries.items():
            if name not in KEYS:
                self.say(key.mark, f"{name}: no such key{suggestion(name, KEYS)}")
        self.read_vars(root.get("vars"))
        name = self.text(root, "name", self.path.stem)
        if not _GRAPH_NAME.fullmatch(name):
            mark = root.entries["name"][1].mark if "name" in root.entries else root.mark
            self.say(mark, f"name: expected letters, digits, '-', '_' and '.', at most 64, got {show(name)}")
        doc = self.text(root, "doc", "")
        seed = self.whole(root, "seed", 0, 0, MAX_SEED)
        if self.overrides.seed is not None:
            seed = self.overrides.seed
            if not 0 <= seed <= MAX_SEED:
                self.say(Mark(f"--seed {seed}"), f"expected a whole number from 0 to {MAX_SEED}")
        torch_threads = self.whole(root, "torch_threads", 1, 1, 1024)
        join_bytes = self.whole(root, "join_bytes", DEFAULT_JOIN_BYTES, 1, 1 << 50)
        self.read_blocks(root)
        wires = self.read_connect(root)
        if all(block.signature for block in self.blocks.values()):
            wires = self.swap_ports(wires)
        self.check_wires(wires)
        edges = tuple(
            Edge(
                index,
                wire.source,
                wire.source_port,
                wire.target,
                wire.target_port,
                self.port_name(wire),
                wire.depth,
                wire.overflow,
                wire.feedback,
            )
            for index, wire in enumerate(wires)
        )
        classes = {block.name: block.cls for block in self.blocks.values() if block.cls is not None}
        if len(classes) == len(self.blocks):
            for reader, message in _missing_fields(classes, edges):
                self.say(self.blocks[reader].swapped or self.blocks[reader].key.mark, message)
        places = self.read_places(root.get("places"), edges)
        if self.problems:
            return None
        return Graph(
            name=name,
            doc=doc,
            seed=seed,
            vars=self.vars,
            blocks=tuple(BlockNode(block.name, block.use, block.params) for block in self.blocks.values()),
            edges=edges,
            places=places,
            torch_threads=torch_threads,
            join_bytes=join_bytes,
            file=str(self.path),
        )

    def say(self, mark: Mark, message: str) -> None:
        """Report a mistake."""
        self.problems.append(mark.problem(message))

    # Top-level keys

    def version(self, root: MapNode) -> None:
        """Refuse other formats at once: what follows would be judged by the wrong rules."""
        node = root.get("semcom")
        if node is None:
            self.say(root.mark, f"expected 'semcom: {FORMAT_VERSION}', the version of the format, got none")
            return
        value = to_plain(node)
        if isinstance(value, bool) or value != FORMAT_VERSION:
            raise FlowgraphError(
                [
                    node.mark.problem(
                        f"semcom: this software reads version {FORMAT_VERSION} of the format, got {show(value)}; "
                        "a newer gr-semcom may read it"
                    )
                ]
            )

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

    def read_vars(self, node: Node | None) -> None:
        """Read `vars`, then ``--var``."""
        if node is not None and not isinstance(node, MapNode):
            self.say(node.mark, f"vars: expected a mapping of names to values, got {show(to_plain(node))}")
        elif node is not None:
            for name, (key, value) in node.entries.items():
                if not _VARIABLE.fullmatch(f"${name}"):
                    self.say(key.mark, f"vars: {name}: expected a name of letters, digits and '_', got {show(name)}")
                if _VARIABLE.fullmatch(scalar_text(value) or ""):
                    self.say(value.mark, f"vars: {name}: expected a value, got another variable")
                self.vars[name] = to_plain(value)
        for name, given in self.overrides.vars.items():
            if name not in self.vars:
                self.say(
                    Mark(f"--var {name}={_plain(given)}"),
                    f"the flowgraph has no variable {name!r}{suggestion(name, self.vars)}",
                )
                continue
            self.vars[name] = given

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
        match = _VARIABLE.fullmatch(text)
        if match is None:
            return node
        if match[1] not in self.vars:
            self.say(node.mark, f"no variable {match[1]!r}{suggestion(match[1], self.vars)}; 'vars' defines them")
            return replace(node, value=None)
        return node_of(self.vars[match[1]], node.mark)

    # Blocks

    def read_blocks(self, root: MapNode) -> None:
        """Read `blocks`, apply swaps and sets, check every parameter."""
        node = root.get("blocks")
        if not isinstance(node, MapNode) or not node.entries:
            got = "none" if node is None else show(to_plain(node))
            self.say(node.mark if node else root.mark, f"blocks: expected a mapping of names to blocks, got {got}")
            return
        for name, (key, value) in node.entries.items():
            self.read_block(name, key, value)
        self.apply_swaps()
        unknown = self.apply_sets()
        self.apply_out()
        for block in self.blocks.values():
            if block.cls is None:
                continue
            before = len(self.problems)
            given = {
                name: (key, self.fill(value) if key.mark.line else value) for name, (key, value) in block.given.items()
            }
            if len(self.problems) > before:
                continue
            params, problems = check_params(
                block.cls.Params, given, block.swapped or block.key.mark, f"block {block.name!r}"
            )
            self.problems += problems
            block.params = params or {}
        self.problems += unknown

    def read_block(self, name: str, key: Key, node: Node) -> None:
        """Read one entry of `blocks`."""
        entry = _BlockEntry(name, key)
        self.blocks[name] = entry
        if not _NAME.fullmatch(name):
            self.say(key.mark, f"blocks: {show(name)}: expected a name of letters, digits, '_' and '-', at most 64")
        if not isinstance(node, MapNode):
            self.say(
                node.mark,
                f"block {name!r}: expected {{use: blocks/name, parameter: value}}, got {show(to_plain(node))}",
            )
            return
        use = node.get("use")
        if use is None:
            self.say(key.mark, f"block {name!r}: use: required, not given; `semcom blocks` lists the blocks")
            return
        text = scalar_text(self.fill(use))
        entry.given = {param: pair for param, pair in node.entries.items() if param != "use"}
        if text is None:
            self.say(use.mark, f"block {name!r}: use: expected the name of a block, got {show(to_plain(use))}")
            return
        try:
            entry.cls, entry.use = _load(text, self.path.parent)
            entry.signature = entry.file_signature = read_signature(entry.cls)
        except UnknownBlock as error:
            entry.cls = None
            self.say(use.mark, f"block {name!r}: use: {error}")

    def apply_swaps(self) -> None:
        """Put the blocks of ``--swap`` in place; parameters of the same name stay."""
        for name, spec in self.overrides.swaps.items():
            mark = Mark(f"--swap {name}={spec}")
            entry = self.blocks.get(name)
            if entry is None:
                self.say(mark, f"no block {name!r}{suggestion(name, self.blocks)}")
                continue
            try:
                swap = parse_swap(spec, "")
                cls, use = _load(swap.use, Path())
                signature = read_signature(cls)
            except FlowgraphError as error:
                self.problems += [mark.problem(problem.message) for problem in error.problems]
                continue
            except UsageError as error:
                self.say(mark, str(error).removeprefix(": "))
                continue
            dropped = [param for param in entry.given if param not in cls.Params.model_fields]
            if dropped and cls is not entry.cls:
                self.notes.append(
                    f"--swap {name}={spec}: {use} has no {', '.join(dropped)}: dropped what the file says of "
                    f"{'it' if len(dropped) == 1 else 'them'}"
                )
                entry.given = {param: pair for param, pair in entry.given.items() if param not in dropped}
            entry.given = {**entry.given, **_given(swap.params, mark.file)}
            entry.cls, entry.use, entry.signature, entry.swapped = cls, use, signature, mark

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
                entry.given = {**entry.given, **_given({param: value}, mark.file)}
        return problems

    def apply_out(self) -> None:
        """Put in the folder of ``--out``."""
        out = self.overrides.out
        if out is None:
            return
        writers = [block for block in self.blocks.values() if block.cls and "out" in block.cls.Params.model_fields]
        if not writers:
            self.notes.append(f"--out {out}: no block of this flowgraph has a parameter 'out'")
        for block in writers:
            if f"{block.name}.out" not in self.overrides.sets:
                folder = out if len(writers) == 1 else str(Path(out) / block.name)
                block.given = {**block.given, **_given({"out": folder}, f"--out {out}")}

    # Connections

    def read_connect(self, root: MapNode) -> list[_Wire]:
        """Read `connect`; edges with mistakes are left out."""
        node = root.get("connect")
        if not isinstance(node, SeqNode):
            got = "none" if node is None else show(to_plain(node))
            self.say(
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
                self.say(item.mark, f"connect: expected 'a -> b' or {{from: a, to: b}}, got {show(to_plain(item))}")
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
            self.say(node.mark, f"connect: expected a chain such as 'a -> b', got {show(node.value)}")
            return []
        wires = []
        for index, (source, target) in enumerate(itertools.pairwise(ends)):
            if source is None or target is None:
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
                self.say(key.mark, f"connect: {name}: no such key{suggestion(name, EDGE_KEYS)}")
        ends = []
        for name in ("from", "to"):
            value = node.get(name)
            text = scalar_text(value) if value is not None else None
            if value is None:
                self.say(node.mark, f"connect: {name}: required, not given")
            elif text is None:
                self.say(value.mark, f"connect: {name}: expected a block or block.port, got {show(to_plain(value))}")
            else:
                ends.append(self.end(text.strip(), value.mark))
        depth = self.whole(node, "depth", DEFAULT_DEPTH, 1, MAX_DEPTH, "connect: ")
        overflow: Literal["block", "drop_oldest"] = "block"
        value = node.get("overflow")
        if value is not None:
            said = to_plain(self.fill(value))
            if said == "drop_oldest":
                overflow = "drop_oldest"
            elif said != "block":
                self.say(value.mark, f"connect: overflow: expected 'block' or 'drop_oldest', got {show(said)}")
        feedback = self.feedback(node.get("feedback"))
        if len(ends) < 2 or ends[0] is None or ends[1] is None:
            return []
        wire = self.wire(ends[0], ends[1])
        return [] if wire is None else [replace(wire, depth=depth, overflow=overflow, feedback=feedback)]

    def feedback(self, node: Node | None) -> Feedback | None:
        """Read ``{delay, initial}``."""
        if node is None:
            return None
        if not isinstance(node, MapNode) or "delay" not in node.entries:
            self.say(
                node.mark, f"connect: feedback: expected {{delay: items, initial: number}}, got {show(to_plain(node))}"
            )
            return None
        for name, (key, _) in node.entries.items():
            if name not in ("delay", "initial"):
                self.say(key.mark, f"connect: feedback: {name}: no such key{suggestion(name, ('delay', 'initial'))}")
        delay = self.whole(node, "delay", 1, 1, MAX_DEPTH, "connect: feedback: ")
        first = node.get("initial")
        initial = 0.0 if first is None else to_plain(self.fill(first))
        if isinstance(initial, bool) or not isinstance(initial, (int, float)):
            self.say(
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
                self.say(mark, f"connect: no block {show(name)}{suggestion(name, self.blocks)}")
            return None
        return _End(name, port, mark)

    def wire(self, source: _End, target: _End) -> _Wire | None:
        """Find the ports that are meant."""
        out = self.output_port(source)
        signature = self.blocks[source.block].file_signature
        into = self.input_port(target, signature.outputs.get(out) if signature and out else None)
        if out is None or into is None:
            return None
        return _Wire(source.block, out, target.block, into, target.mark)

    def output_port(self, end: _End) -> str | None:
        """Return the name of an output; empty where the block is unknown."""
        signature = self.blocks[end.block].file_signature
        if signature is None:
            return ""
        if end.port in signature.outputs:
            return end.port
        if not signature.outputs:
            self.say(end.mark, f"connect: block {end.block!r} has no outputs: it ends a chain")
        elif end.port:
            self.say(
                end.mark,
                f"connect: block {end.block!r} has no output {end.port!r}{suggestion(end.port, signature.outputs)}",
            )
        elif len(signature.outputs) == 1:
            return next(iter(signature.outputs))
        else:
            names = ", ".join(f"{end.block}.{port}" for port in signature.outputs)
            self.say(end.mark, f"connect: block {end.block!r} has several outputs; expected one of {names}")
        return None

    def input_port(self, end: _End, gives: PortType | None) -> str | None:
        """Return the name of an input; empty where the block is unknown. Not named, it is the one that fits."""
        signature = self.blocks[end.block].file_signature
        if signature is None:
            return ""
        if end.port in signature.inputs:
            return end.port
        required = [port for port, kind in signature.inputs.items() if not kind.optional]
        fitting = [port for port, kind in signature.inputs.items() if kind.type == gives]
        if not signature.inputs:
            self.say(end.mark, f"connect: block {end.block!r} has no inputs: it is a source")
        elif end.port:
            self.say(
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
            self.say(end.mark, f"connect: block {end.block!r} has several inputs; expected one of {names}")
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
        self, entry: _BlockEntry, used: Mapping[str, PortType], new: Mapping[str, PortType], what: str
    ) -> dict[str, str]:
        """Return old port → new port."""
        moved = {}
        for port, kind in used.items():
            if new.get(port) == kind:
                moved[port] = port
                continue
            same = [name for name, other in new.items() if other == kind]
            if len(used) == 1 and len(same) == 1:
                moved[port] = same[0]
                continue
            have = ", ".join(f"{name} ({other.name})" for name, other in new.items()) or f"no {what}s"
            self.say(
                entry.swapped or entry.key.mark,
                f"{entry.use} does not fit: expected an {what} {port} ({kind.name}), got {have}",
            )
            entry.signature = None  # what its edges say below would only repeat this
        return moved

    def check_wires(self, wires: list[_Wire]) -> None:
        """Check types, doubly and not connected inputs, blocks without edges, cycles."""
        taken: dict[tuple[str, str], _Wire] = {}
        for wire in wires:
            source, target = self.blocks[wire.source].signature, self.blocks[wire.target].signature
            if target is not None:
                first = taken.setdefault((wire.target, wire.target_port), wire)
                if first is not wire:
                    at = f", in line {first.mark.line}" if first.mark.line else ""
                    self.say(
                        wire.mark,
                        f"connect: {wire.target}.{wire.target_port} is connected twice: to "
                        f"{first.source}.{first.source_port}{at}, and to {wire.source}.{wire.source_port}",
                    )
            if source is None or target is None:
                continue
            gives, takes = source.outputs[wire.source_port], target.inputs[wire.target_port].type
            if gives != takes:
                self.say(
                    wire.mark,
                    f"connect: {wire.target}.{wire.target_port}: expected {takes}, got {gives} from "
                    f"{wire.source}.{wire.source_port}",
                )
        broken = any(p.message.startswith("connect: ") for p in self.problems)
        for block in self.blocks.values():
            if block.signature is None:
                continue
            mark = block.swapped or block.key.mark
            ends = [wire for wire in wires if block.name in (wire.source, wire.target)]
            if not ends:
                if not broken:
                    self.say(mark, f"block {block.name!r}: is connected to nothing; connect it or take it out")
                continue
            for port, kind in block.signature.inputs.items():
                if not kind.optional and (block.name, port) not in taken and not self.was_meant(block.name, wires):
                    self.say(mark, f"block {block.name!r}: input {port} ({kind.type.name}) is not connected")
        self.check_cycles(wires)

    def was_meant(self, name: str, wires: list[_Wire]) -> bool:
        """Return whether an edge to this block was left out because of a mistake that is reported already."""
        said = (f"connect: block {name!r} has", f"connect: {name}.")
        return any(problem.message.startswith(said) for problem in self.problems)

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
            self.say(
                at,
                f"connect: cycle: {' -> '.join([*loop, loop[0]])}; only an edge with "
                "feedback: {delay: items} may close one",
            )
            left -= set(loop)

    def port_name(self, wire: _Wire) -> str:
        """Return the name of an edge's port type."""
        signature = self.blocks[wire.source].signature
        port = signature.outputs.get(wire.source_port) if signature else None
        return port.name if port else ""

    # Places

    def read_places(self, node: Node | None, edges: tuple[Edge, ...]) -> tuple[Place, ...]:
        """Read `places`: every block in one, and no two of them on the same port."""
        if node is None:
            return ()
        if not isinstance(node, MapNode) or not node.entries:
            self.say(
                node.mark, f"places: expected a mapping of names to {{blocks, endpoint}}, got {show(to_plain(node))}"
            )
            return ()
        places, where, sound = [], {}, True
        marks: dict[str, Mark] = {}
        for name, (key, value) in node.entries.items():
            if not _NAME.fullmatch(name):
                self.say(key.mark, f"places: {show(name)}: expected a name of letters, digits, '_' and '-', at most 64")
            if not isinstance(value, MapNode):
                self.say(value.mark, f"place {name!r}: expected {{blocks, endpoint}}, got {show(to_plain(value))}")
                sound = False
                continue
            for part, (part_key, _) in value.entries.items():
                if part not in PLACE_KEYS:
                    self.say(part_key.mark, f"place {name!r}: {part}: no such key{suggestion(part, PLACE_KEYS)}")
            names = self.place_blocks(name, key, value.get("blocks"), where)
            at = value.get("endpoint")
            endpoint = scalar_text(self.fill(at)) if at is not None else None
            match = _ENDPOINT.fullmatch(endpoint or "")
            if match is None or not 1 <= int(match[2]) <= 65535:
                got = "none" if at is None else show(to_plain(at))
                self.say(at.mark if at else key.mark, f"place {name!r}: endpoint: expected tcp://host:port, got {got}")
                sound = False
                continue
            marks[name] = at.mark if at else key.mark
            places.append(Place(name, tuple(names), endpoint or ""))
        for block in self.blocks.values():
            if block.name not in where and sound:
                self.say(block.key.mark, f"block {block.name!r}: is in no place; every block belongs to exactly one")
        if sound:
            self.check_endpoints(places, edges, where, marks)
        return tuple(places)

    def place_blocks(self, place: str, key: Key, node: Node | None, where: dict[str, str]) -> list[str]:
        """Read the blocks of a place."""
        if not isinstance(node, SeqNode) or not node.items:
            got = "none" if node is None else show(to_plain(node))
            self.say(node.mark if node else key.mark, f"place {place!r}: blocks: expected a list of blocks, got {got}")
            return []
        names = []
        for item in node.items:
            name = scalar_text(item)
            if name is None or name not in self.blocks:
                text = str(to_plain(item))
                self.say(item.mark, f"place {place!r}: blocks: no block {show(text)}{suggestion(text, self.blocks)}")
            elif name in where:
                self.say(item.mark, f"place {place!r}: block {name!r} is in place {where[name]!r} already")
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
                self.say(
                    marks[place.name], f"place {place.name!r}: endpoint: {arriving} edges need ports {low} to {high}"
                )
            for other_host, other_low, other_high, other in taken:
                if host == other_host and low <= other_high and other_low <= high:
                    self.say(
                        marks[place.name],
                        f"place {place.name!r}: endpoint: expected ports of its own, got {_ports(low, high)}, and "
                        f"place {other!r} has {_ports(other_low, other_high)} (one for each edge that arrives from "
                        "another place)",
                    )
            taken.append((host, low, high, place.name))


def _load(use: str, base: Path) -> tuple[type[Block], str]:
    """Return a block's class and the name it has in a resolved graph: a file's is its absolute path."""
    if "\0" in use or len(use) > 1000:
        raise UnknownBlock(f"no block {show(use)}")
    try:
        cls = load_block(use, base)
        return cls, str(find_block(use, base).path) if use.endswith(".py") else use
    except (OSError, ValueError, RuntimeError) as error:  # a path that the system refuses
        raise UnknownBlock(f"no block {show(use)}: {error}") from None


def _missing_fields(classes: Mapping[str, type[Block]], edges: tuple[Edge, ...]) -> list[tuple[str, str]]:
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
        written = {header.__name__ for block in upstream for header in classes[block].writes_header}
        for header in cls.reads_header:
            if header.__name__ not in written:
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


def _running_block(graph: Graph, name: str, label: str) -> BlockNode:
    names = [block.name for block in graph.blocks]
    if name not in names:
        raise UsageError(f"{label}: no block {name!r}{suggestion(name, names)}")
    return graph.block(name)


def _given(values: Mapping[str, Any], label: str) -> dict[str, tuple[Key, Node]]:
    mark = Mark(label)
    return {name: (Key(name, mark), node_of(value, mark)) for name, value in values.items()}


def _uses(wires: list[_Wire], block: str, port: str, side: Literal["source", "target"]) -> bool:
    return any(getattr(wire, side) == block and getattr(wire, f"{side}_port") == port for wire in wires)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode() if _is_plain(value) else str(value)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, list, dict))


def _ports(low: int, high: int) -> str:
    return f"port {low}" if low == high else f"ports {low} to {high}"
