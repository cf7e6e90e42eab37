"""Parameters of a block as GNU Radio Companion shows them, made from its `Params`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...blocks.lookup import load_block

__all__ = ["Parameter", "block_parameters"]

KINDS = {"integer": "int", "number": "real", "string": "string"}
LIMITS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
UNITS = {"hz": "Hz", "db": "dB", "s": "s", "ms": "ms"}
DECIDED = {"attach"}  # GNU Radio's sources connect and its sinks bind


class Parameter(NamedTuple):
    """One parameter.

    Attributes:
        entry: Its entry in a ``.block.yml``.
        code: The Python expression, with ``${...}``, that gives its value in the generated flowgraph.
        checks: Conditions on its value.
        meaning: What a user reads.
    """

    entry: dict[str, Any]
    code: str
    checks: list[str]
    meaning: str


def block_parameters(use: str, prefix: str = "") -> dict[str, Parameter]:
    """Return the parameters of a block by name, but for those that GNU Radio's other end decides.

    Args:
        use: The block: ``radio/zmq_sink``.
        prefix: Stands before every identifier: ``tx_``.
    """
    schema = load_block(use).Params.model_json_schema()
    properties = {name: part for name, part in schema["properties"].items() if name not in DECIDED}
    return {name: _parameter(f"{prefix}{name}", part) for name, part in properties.items()}


def _parameter(identifier: str, schema: dict[str, Any]) -> Parameter:
    parts = schema.get("anyOf", [schema])
    kind = next(part for part in parts if part.get("type") != "null")
    default, code = schema.get("default"), f"${{{identifier}}}"
    entry: dict[str, Any] = {"id": identifier, "label": _label(identifier)}
    choices = [False, True] if kind["type"] == "boolean" else kind.get("enum")
    if choices:
        entry |= {"dtype": "enum", "default": str(default), "options": [str(choice) for choice in choices]}
        code = f"'{code}'" if isinstance(choices[0], str) else code
        compared = repr(str(default))
    else:
        entry |= {"dtype": "raw" if len(parts) > 1 else KINDS[kind["type"]], "default": _text(default)}
        compared = repr(default)
    entry["hide"] = f"${{ 'part' if {identifier} == {compared} else 'none' }}"
    return Parameter(
        entry, code, list(_checks(identifier, kind, optional=len(parts) > 1)), schema.get("description", "")
    )


def _checks(identifier: str, schema: dict[str, Any], *, optional: bool) -> Iterator[str]:
    for limit, sign in LIMITS.items():
        if limit in schema:
            yield f"${{ {f'{identifier} is None or ' if optional else ''}{identifier} {sign} {schema[limit]!r} }}"


def _text(value: Any) -> str:
    """A default as GRC writes it: text as it is, all else as Python."""
    return value if isinstance(value, str) else repr(value)


def _label(identifier: str) -> str:
    """``sample_rate_hz``: Sample rate (Hz)."""
    *words, last = identifier.split("_")
    if words and last in UNITS:
        return f"{' '.join(words).capitalize()} ({UNITS[last]})"
    return " ".join([*words, last]).capitalize()
