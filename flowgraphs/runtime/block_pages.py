"""Shows blocks on a terminal: the list, and one block's page made of its docstring, ports and `Params`."""

from __future__ import annotations

import inspect
from typing import Any

from ...blocks.lookup import list_blocks, load_block
from ...blocks.params import BlockParams, live_names
from ...blocks.signature import read_signature
from .parameters import show

__all__ = ["block_list", "block_page"]


def block_list() -> str:
    """Return every block with its first sentence, broken ones with their reason; no block is imported."""
    files = list_blocks()
    width = max((len(file.use) for file in files), default=0) + 2
    return "\n".join(
        f"{file.use:<{width}}{f'BROKEN: {file.broken}' if file.broken else file.summary}" for file in files
    )


def block_page(use: str) -> str:
    """Return what a user needs to know of one block.

    Raises:
        UnknownBlock: no such block, or its file does not load.
    """
    cls = load_block(use)
    signature = read_signature(cls)
    lines = [use, "=" * len(use), "", inspect.cleandoc(cls.__doc__ or ""), "", "Ports"]
    for name, port in signature.inputs.items():
        lines.append(f"  in   {name}: {port.type}{', may stay open' if port.optional else ''}")
    for name, kind in signature.outputs.items():
        lines.append(f"  out  {name}: {kind}")
    for verb, fields in (("reads", cls.reads_header), ("writes", cls.writes_header)):
        if fields:
            lines.append(f"  header: {verb} {', '.join(field.__name__ for field in fields)}")
    lines += ["", "Parameters", *_parameters(cls.Params)]
    return "\n".join(lines)


def _parameters(params: type[BlockParams]) -> list[str]:
    if not params.model_fields:
        return ["  none"]
    properties: dict[str, Any] = params.model_json_schema().get("properties", {})
    live = live_names(params)
    rows = []
    for name, field in params.model_fields.items():
        default = "required" if field.is_required() else f"default {show(properties[name].get('default'))}"
        mark = ", live" if name in live else ""
        rows.append((name, f"{default}{mark}", field.description or ""))
    widths = [max(len(row[column]) for row in rows) + 2 for column in (0, 1)]
    return [f"  {name:<{widths[0]}}{default:<{widths[1]}}{text}" for name, default, text in rows]
