"""JSON Schema of flowgraph files, made from the blocks' `Params`: completion and first checks in an editor."""

from __future__ import annotations

from typing import Any

from ....blocks.block import Block
from ....blocks.lookup import list_blocks, load_block
from ....blocks.params import live_names
from ....errors import UnknownBlock
from ..graph import DEFAULT_DEPTH, DEFAULT_JOIN_BYTES, FORMAT_VERSION

__all__ = ["flowgraph_schema"]

VARIABLE = {"type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_]*$", "description": "A variable of 'vars'."}
NAME = "^[A-Za-z][A-Za-z0-9_-]{0,63}$"


def flowgraph_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12). What needs the whole graph (ports, cycles) is for `semcom check` to say."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "semcom flowgraph",
        "type": "object",
        "required": ["semcom", "blocks", "connect"],
        "additionalProperties": False,
        "properties": {
            "semcom": {"const": FORMAT_VERSION, "description": "Version of this format."},
            "name": {
                "type": "string",
                "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
                "description": "Default: the file's.",
            },
            "doc": {"type": "string", "description": "One line on what it shows."},
            "seed": _whole(0, "Seed of every random stream.", default=0),
            "vars": {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                "description": "Values that blocks read as $name.",
            },
            "blocks": _named({"$ref": "#/$defs/block"}),
            "connect": {
                "type": "array",
                "items": {"anyOf": [{"type": "string", "pattern": "->"}, {"$ref": "#/$defs/edge"}]},
                "description": "Chains 'a -> b -> c.port', or {from, to, depth, overflow, feedback}.",
            },
            "places": {**_named(_place()), "description": "What runs on which host."},
            "torch_threads": _whole(1, "Threads of every torch call; results depend on it.", default=1),
            "join_bytes": _whole(
                1, "Bytes in which a block with several inputs waits for the slower ones.", default=DEFAULT_JOIN_BYTES
            ),
        },
        "$defs": {**_blocks(), "edge": _edge()},
    }


def _blocks() -> dict[str, Any]:
    """Return the definitions of all blocks, and of an entry that is any of them."""
    definitions: dict[str, Any] = {}
    known: list[dict[str, Any]] = []
    choices: list[dict[str, Any]] = []
    for file in list_blocks():
        try:
            cls = load_block(file.use)
        except UnknownBlock:
            continue
        definitions |= _block(file.use, cls)
        known.append({"const": file.use, "description": file.summary})
        is_it = {"properties": {"use": {"const": file.use}}}
        choices.append({"if": is_it, "then": {"$ref": f"#/$defs/{_key(file.use)}"}})
    plugin = {"type": "string", "pattern": r"\.py$", "description": "A single-file block: ./my_block.py"}
    entry = {
        "type": "object",
        "required": ["use"],
        "properties": {"use": {"anyOf": [*known, plugin, VARIABLE]}},
        "allOf": choices,
    }
    return {**definitions, "block": entry}


def _block(use: str, cls: type[Block]) -> dict[str, Any]:
    """Return the definitions of one block: its entry, and the models its parameters are made of."""
    key = _key(use)
    schema = cls.Params.model_json_schema(ref_template=f"#/$defs/{key}.{{model}}")
    inner = {f"{key}.{name}": part for name, part in schema.pop("$defs", {}).items()}
    live = live_names(cls.Params)
    properties: dict[str, Any] = {"use": {"const": use}}
    for name, part in schema.get("properties", {}).items():
        outer = {word: part.pop(word) for word in ("description", "default") if word in part}
        part.pop("title", None)
        if part.pop("x-semcom", None) == "blocks":  # a list of blocks; pydantic knows no reference outside of a model
            part["items"] = {"$ref": "#/$defs/block"}
        if name in live:
            outer["description"] = f"{outer.get('description', '')} Changes while it runs: `semcom set`.".strip()
        properties[name] = {"anyOf": [part, VARIABLE], **outer}
    entry = {
        "type": "object",
        "description": (cls.__doc__ or "").strip().split("\n")[0],
        "properties": properties,
        "required": ["use", *schema.get("required", [])],
        "additionalProperties": False,
    }
    return {key: entry, **inner}


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping from names to entries, at least one."""
    return {"type": "object", "minProperties": 1, "propertyNames": {"pattern": NAME}, "additionalProperties": entry}


def _place() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["blocks", "endpoint"],
        "additionalProperties": False,
        "properties": {
            "blocks": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "endpoint": {"type": "string", "pattern": r"^(tcp://.+:[0-9]{1,5}|\$[A-Za-z_][A-Za-z0-9_]*)$"},
        },
    }


def _edge() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["from", "to"],
        "additionalProperties": False,
        "properties": {
            "from": {"type": "string", "description": "block or block.port"},
            "to": {"type": "string", "description": "block or block.port"},
            "depth": _whole(1, "Items it holds before the source has to wait.", default=DEFAULT_DEPTH),
            "overflow": {"anyOf": [{"enum": ["block", "drop_oldest"]}, VARIABLE], "default": "block"},
            "feedback": {
                "type": "object",
                "required": ["delay"],
                "additionalProperties": False,
                "properties": {
                    "delay": _whole(1, "Items by which what comes back is late."),
                    "initial": {"anyOf": [{"type": "number"}, VARIABLE], "default": 0.0},
                    "wait_s": {
                        "anyOf": [{"type": "number", "exclusiveMinimum": 0}, VARIABLE],
                        "description": "Seconds that an item waits for what does not come back; it then goes without.",
                    },
                },
            },
        },
    }


def _whole(minimum: int, description: str, *, default: int | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "anyOf": [{"type": "integer", "minimum": minimum}, VARIABLE],
        "description": description,
    }
    return schema if default is None else {**schema, "default": default}


def _key(use: str) -> str:
    return use.replace("/", ".")
