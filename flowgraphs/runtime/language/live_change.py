"""Changes to a running flowgraph: what `set` and `swap` would make of a block, or why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ....blocks.lookup import load_block
from ....blocks.params import live_names
from ....blocks.ports import PORT_TYPES
from ....blocks.signature import read_signature
from ....errors import FlowgraphError, Problem, UsageError, suggestion
from ..graph import BlockNode, Graph
from .block_entry import given_by, load_class, missing_fields
from .overrides import Swap, parse_swap
from .parameters import check_params, show
from .yaml_reader import Mark

__all__ = ["resolve_set", "resolve_swap"]


def resolve_swap(graph: Graph, name: str, spec: str | Swap) -> BlockNode:
    """Return the block that takes the place of ``name`` in a running graph.

    Args:
        graph: The resolved graph as it runs.
        name: The block to replace.
        spec: A `Swap`, or the text ``use[:parameter=value,...]``. Further parameters of the same name keep their
            values where they fit the new block.

    Raises:
        UsageError: no such block, its ports do not fit those that are connected, or a parameter is wrong.
    """
    label = f"swap {name}={spec.use if isinstance(spec, Swap) else spec}"
    old = _running_block(graph, name, label)
    swap = spec if isinstance(spec, Swap) else parse_swap(spec, label)
    cls, use = load_class(swap.use, Path())
    new = read_signature(cls)
    inputs, outputs = new.resolved({edge.target_port: PORT_TYPES[edge.port] for edge in graph.inputs(name)}, {})
    for what, edges, ports in (("input", graph.inputs(name), inputs), ("output", graph.outputs(name), outputs)):
        for edge in edges:
            port = edge.target_port if what == "input" else edge.source_port
            if port not in ports or ports[port] != PORT_TYPES[edge.port]:
                have = ", ".join(f"{name} ({kind.name})" for name, kind in ports.items()) or f"no {what}s"
                raise UsageError(f"{label}: expected an {what} {port} ({edge.port}), got {have}")
    connected = {edge.target_port for edge in graph.edges if edge.target == name}
    for port, kind in new.inputs.items():
        if port not in connected and not kind.optional:
            raise UsageError(f"{label}: its input {port} ({kind.type.name}) would not be connected")
    fields = cls.Params.model_fields
    kept = {key: value for key, value in old.params.items() if key in fields and key not in swap.params}
    for key, value in list(kept.items()):  # a value that does not fit falls back to the new block's default
        _, wrong = check_params(cls.Params, given_by({key: value}, label), Mark(label), "kept")
        if any(problem.message.startswith((f"kept: {key}:", f"kept: {key}.", f"kept: {key}[")) for problem in wrong):
            del kept[key]
    params, problems = check_params(
        cls.Params, given_by({**kept, **swap.params}, label), Mark(label), f"block {name!r}"
    )
    if params is None:
        raise FlowgraphError(problems)
    node = BlockNode(name, use, params, (label,))
    blocks = tuple(node if block.name == name else block for block in graph.blocks)
    classes = {block.name: cls if block.name == name else load_block(block.use) for block in blocks}
    missing = missing_fields(classes, graph.edges)
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
        cls.Params, given_by({**old.params, param: value}, label), Mark(label), f"block {name!r}"
    )
    if params is None:
        raise FlowgraphError(problems)
    return msgspec.structs.replace(old, params=params)


def _running_block(graph: Graph, name: str, label: str) -> BlockNode:
    names = [block.name for block in graph.blocks]
    if name not in names:
        raise UsageError(f"{label}: no block {name!r}{suggestion(name, names)}")
    return graph.block(name)
