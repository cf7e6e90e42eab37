"""Writes a resolved graph back as a flowgraph file, which loads to a graph with the same hash."""

from __future__ import annotations

import json
import re
from typing import Any

from ..graph import DEFAULT_DEPTH, DEFAULT_JOIN_BYTES, FORMAT_VERSION, Edge, Graph

__all__ = ["resolved_yaml"]

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*")
_WORDS = {"null", "true", "false"}
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def resolved_yaml(graph: Graph) -> str:
    """Return the graph as YAML: overrides applied, defaults written out, every port named."""
    lines = [f"semcom: {FORMAT_VERSION}", f"name: {_write(graph.name)}"]
    if graph.doc:
        lines.append(f"doc: {_write(graph.doc)}")
    lines.append(f"seed: {graph.seed}")
    lines.append(f"torch_threads: {graph.torch_threads}")
    if graph.join_bytes != DEFAULT_JOIN_BYTES:
        lines.append(f"join_bytes: {graph.join_bytes}")
    if graph.vars:
        lines.append(f"vars: {_write(graph.vars, variables=True)}")
    lines.append("blocks:")
    for block in graph.blocks:
        lines.append(f"  {block.name}:")
        lines.append(f"    use: {_write(block.use)}")
        lines += [f"    {name}: {_write(value)}" for name, value in block.params.items()]
    lines.append("connect:" if graph.edges else "connect: []")
    lines += [f"  - {_edge(edge)}" for edge in graph.edges]
    if graph.places:
        lines.append("places:")
    for place in graph.places:
        lines.append(f"  {place.name}: {{blocks: [{', '.join(place.blocks)}], endpoint: {_write(place.endpoint)}}}")
    return "\n".join(lines) + "\n"


def _edge(edge: Edge) -> str:
    source, target = f"{edge.source}.{edge.source_port}", f"{edge.target}.{edge.target_port}"
    options = []
    if edge.depth != DEFAULT_DEPTH:
        options.append(f"depth: {edge.depth}")
    if edge.overflow != "block":
        options.append(f"overflow: {edge.overflow}")
    if edge.feedback:
        wait = "" if edge.feedback.wait_s is None else f", wait_s: {_write(edge.feedback.wait_s)}"
        options.append(f"feedback: {{delay: {edge.feedback.delay}, initial: {_write(edge.feedback.initial)}{wait}}}")
    if not options:
        return f"{source} -> {target}"
    return f"{{from: {source}, to: {target}, {', '.join(options)}}}"


def _write(value: Any, *, variables: bool = False) -> str:
    """Write a value in flow style. ``$`` at the start of a text is escaped, except in `vars`."""
    if isinstance(value, dict):
        items = (f"{_text(str(name))}: {_write(part, variables=variables)}" for name, part in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_write(part, variables=variables) for part in value) + "]"
    if isinstance(value, str):
        return _text(f"${value}" if value.startswith("$") and not variables else value)
    return json.dumps(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text.startswith("..."):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
