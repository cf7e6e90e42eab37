"""Shows blocks on a terminal: the list, and one block's page made of its docstring, ports and `Params`."""

from __future__ import annotations

import inspect
import json
from typing import Any

from ....blocks.lookup import list_blocks, load_block
from ....blocks.params import BlockParams, live_names
from ....blocks.signature import read_signature
from .parameters import show

__all__ = ["block_list", "block_page", "values_in_words"]


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
    for verb, fields in (
        ("reads", cls.reads_header),
        ("may read", cls.may_read_header),
        ("writes", cls.writes_header),
        ("may write", cls.may_write_header),
    ):
        if fields:
            lines.append(f"  header: {verb} {', '.join(field.__name__ for field in fields)}")
    lines += ["", "Parameters", *_parameters(cls.Params)]
    return "\n".join(lines)


def values_in_words(schema: dict[str, Any], defs: dict[str, Any], quote: str = "") -> str:
    """Say in words which values a JSON Schema allows: ``number >= 0``, or the names of a choice.

    Args:
        schema: Of one parameter.
        defs: What its ``$ref`` may name.
        quote: Stands before and after every value to be written as it is.
    """
    if "$ref" in schema:
        return values_in_words(defs[schema["$ref"].rsplit("/", 1)[-1]], defs, quote)
    if "enum" in schema:
        return ", ".join(f"{quote}{_yaml(value)}{quote}" for value in schema["enum"])
    if "const" in schema:
        return f"{quote}{_yaml(schema['const'])}{quote}"
    if "anyOf" in schema:
        return " or ".join(values_in_words(part, defs, quote) for part in schema["anyOf"])
    kind = schema.get("type", "anything")
    if kind == "array" and "prefixItems" in schema:
        return f"[{', '.join(values_in_words(item, defs, quote) for item in schema['prefixItems'])}]"
    if kind == "array":
        return f"list of {values_in_words(schema['items'], defs, quote)}"
    names = {"number": "number", "integer": "whole number", "string": "text", "boolean": "true or false"}
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    said = [f"{sign} {schema[key]:g}" for key, sign in limits.items() if key in schema]
    return " ".join([names.get(kind, "mapping" if kind == "object" else kind), ", ".join(said)]).strip()


def _yaml(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    return json.dumps(value)


def _parameters(params: type[BlockParams]) -> list[str]:
    if not params.model_fields:
        return ["  none"]
    schema = params.model_json_schema()
    properties: dict[str, Any] = schema.get("properties", {})
    live = live_names(params)
    rows = []
    for name, field in params.model_fields.items():
        default = "required" if field.is_required() else f"default {show(properties[name].get('default'))}"
        mark = ", live" if name in live else ""
        values = values_in_words(properties[name], schema.get("$defs", {}))
        rows.append((name, f"{default}{mark}", f"{field.description or ''} ({values})".lstrip()))
    widths = [max(len(row[column]) for row in rows) + 2 for column in (0, 1)]
    return [f"  {name:<{widths[0]}}{default:<{widths[1]}}{text}" for name, default, text in rows]
