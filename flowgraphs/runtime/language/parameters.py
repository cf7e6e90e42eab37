"""Checks a block's parameters against its `Params`, and says in plain words what is wrong and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ....blocks.params import BlockParams
from ....errors import Problem, suggestion
from .yaml_reader import Key, MapNode, Mark, Node, Scalar, SeqNode, to_plain

__all__ = ["check_params", "scalar_text", "show"]


def check_params(
    params: type[BlockParams],
    given: Mapping[str, tuple[Key, Node]],
    block_mark: Mark,
    prefix: str,
    base: Path | None = None,
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Validate what was given, fill in the defaults.

    Args:
        params: The block's model.
        given: Parameter → its key and value.
        block_mark: Where the block stands: the place of a missing parameter.
        prefix: Start of every message: ``block 'channel'``.
        base: The folder that paths of blocks inside of parameters start from; default: the working directory.

    Returns:
        All parameters as JSON values (None if there are mistakes), and the mistakes.
    """
    values = {name: to_plain(node) for name, (_, node) in given.items()}
    try:
        model = _validate(params, values, base)
        return model.model_dump(mode="json"), []
    except ValidationError as error:
        return None, _explain(params, error, given, block_mark, prefix)
    except Exception as error:  # a plug-in's own validator may raise anything
        return None, [block_mark.problem(f"{prefix}: its Params raised {type(error).__name__}: {error}")]


def show(value: Any) -> str:
    """Return a value as it would be written in a flowgraph, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    text = text if not isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _validate(params: type[BlockParams], values: dict[str, Any], base: Path | None) -> BaseModel:
    """Validate as strict JSON: a text is no number and `true` no 1; but 1e6, which YAML reads as a float, is whole."""
    try:
        return params.model_validate_json(json.dumps(values), strict=True, context={"base": base})
    except ValidationError as error:
        whole = [
            item["loc"]
            for item in error.errors(include_url=False, include_context=False)
            if item["type"] == "int_type" and isinstance(item["input"], float) and item["input"].is_integer()
        ]
        if not whole:
            raise
        values = json.loads(json.dumps(values))
        for loc in whole:
            _make_whole(values, loc)
        return params.model_validate_json(json.dumps(values), strict=True, context={"base": base})


def _make_whole(values: Any, loc: tuple[int | str, ...]) -> None:
    for step in loc:
        try:
            part = values[step]
        except (KeyError, IndexError, TypeError):
            continue  # a tag that pydantic put in
        if isinstance(part, float):
            values[step] = int(part)
            return
        values = part


def _explain(
    params: type[BlockParams],
    error: ValidationError,
    given: Mapping[str, tuple[Key, Node]],
    block_mark: Mark,
    prefix: str,
) -> list[Problem]:
    found: dict[tuple[str, Mark], list[Any]] = {}
    for item in error.errors(include_url=False):
        path, mark = _locate(item, given, block_mark)
        found.setdefault((path, mark), []).append(item)
    problems = []
    for (path, mark), items in found.items():
        where = f"{prefix}: {path}" if path else prefix
        problems.append(mark.problem(f"{where}: {_say(params, items)}"))
    return problems


def _locate(item: Any, given: Mapping[str, tuple[Key, Node]], block_mark: Mark) -> tuple[str, Mark]:
    """Return the dotted path of what is wrong, and its position; tags that pydantic puts into `loc` are skipped."""
    loc = list(item["loc"])
    if not loc:
        return "", block_mark
    first = str(loc[0])
    if first not in given:
        return first, block_mark
    key, node = given[first]
    path, mark = first, node.mark
    if item["type"] == "extra_forbidden" and len(loc) == 1:
        return path, key.mark
    for step in loc[1:]:
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.entries:
            inner, node = node.entries[step]
            path, mark = f"{path}.{step}", inner.mark if item["type"] == "extra_forbidden" else node.mark
        elif isinstance(node, SeqNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            path, mark = f"{path}[{step}]", node.mark
        elif item["type"] == "missing" and isinstance(node, MapNode):
            path = f"{path}.{step}"
    return path, mark


def _say(params: type[BlockParams], items: list[Any]) -> str:
    """One sentence for all that pydantic says of one value: the members of a union each say their own."""
    kind = items[0]["type"]
    if kind == "missing" and isinstance(items[0]["loc"][-1], str):
        field = params.model_fields.get(items[0]["loc"][0]) if len(items[0]["loc"]) == 1 else None
        what = f" ({field.description})" if field and field.description else ""
        return f"required, not given{what}"
    if kind == "extra_forbidden":
        name = str(items[0]["loc"][-1])
        return f"no such parameter{suggestion(name, params.model_fields)}"
    wanted: list[str] = []
    for item in items:
        words = _expected(item)
        if words is None:
            return str(item.get("ctx", {}).get("error", item["msg"]))
        if words not in wanted:
            wanted.append(words)
    return f"expected {' or '.join(wanted)}, got {show(items[0]['input'])}"


_PLAIN_WORDS = {
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "a number"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "path_type"), "text"),
    "none_required": "null",
    "greater_than_equal": "a number of at least {ge:g}",
    "greater_than": "a number above {gt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "less_than": "a number below {lt:g}",
    "multiple_of": "a multiple of {multiple_of:g}",
    **dict.fromkeys(("literal_error", "enum"), "{expected}"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), "a list"),
    **dict.fromkeys(
        ("dict_type", "model_type", "mapping_type", "model_attributes_type", "dataclass_type"), "a mapping"
    ),
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
    "missing": "a longer list",
}


def _expected(item: Any) -> str | None:
    """Return what was expected, in plain words; None where the message says it all."""
    words = _PLAIN_WORDS.get(item["type"])
    return None if words is None else words.format(**(item.get("ctx") or {}))


def scalar_text(node: Node) -> str | None:
    """Return the text of a text scalar, else None."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None
