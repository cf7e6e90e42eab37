"""Changes to a flowgraph that leave its file untouched: ``--var``, ``--set``, ``--swap``, ``--seed``, ``--out``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ....errors import FlowgraphError, Problem, UsageError
from .yaml_reader import parse_value, to_plain

__all__ = ["Overrides", "Swap", "parse_assignment", "parse_swap"]


@dataclass(frozen=True)
class Overrides:
    """What replaces values of a file.

    Attributes:
        vars: Variable → value: ``{"esn0_db": 5}``.
        sets: ``block.parameter`` → value: ``{"channel.esn0_db": 5}``; applied after the swaps.
        swaps: Block → ``use[:parameter=value,...]``: ``{"channel": "channels/rayleigh:mode=fast"}``.
        seed: The run's seed.
        out: The folder that receives what sinks write: sets the parameter ``out`` of every block that has one, to this
            folder if there is one such block, to ``out/<block>`` if there are several.
        problems: Texts of the command line that could not be read; the check reports them with all other mistakes.
    """

    vars: Mapping[str, Any] = field(default_factory=dict)
    sets: Mapping[str, Any] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    out: str | None = None
    problems: tuple[Problem, ...] = ()

    @classmethod
    def parse(
        cls,
        *,
        vars: Iterable[str] = (),
        sets: Iterable[str] = (),
        swaps: Iterable[str] = (),
        seed: int | None = None,
        out: str | None = None,
    ) -> Overrides:
        """Read the texts of a command line: ``esn0_db=5``, ``channel.esn0_db=5``, ``channel=channels/rayleigh``."""
        problems: list[Problem] = []
        read: dict[str, dict[str, Any]] = {"--var": {}, "--set": {}, "--swap": {}}
        for option, texts in (("--var", vars), ("--set", sets), ("--swap", swaps)):
            for text in texts:
                try:
                    name, value = parse_assignment(text, option, evaluate=option != "--swap")
                except FlowgraphError as error:
                    problems += error.problems
                    continue
                read[option][name] = value
        return cls(read["--var"], read["--set"], read["--swap"], seed, out, tuple(problems))


@dataclass(frozen=True)
class Swap:
    """A block that takes another's place: its `use`, and parameters given with it."""

    use: str
    params: dict[str, Any]


def parse_assignment(text: str, option: str, *, evaluate: bool = True) -> tuple[str, Any]:
    """Read ``name=value``; the value as YAML does if ``evaluate``, else as text.

    Raises:
        FlowgraphError: there is no ``=``, no name, no value, or the value is not YAML.
    """
    label = f"{option} {text}"
    forms = {"--var": "name=value", "--set": "block.parameter=value", "--swap": "block=blocks/name"}
    name, equals, value = text.partition("=")
    name = name.strip()
    fits = bool(equals and name and value.strip()) and (option != "--set" or _is_dotted(name))
    if not fits:
        raise FlowgraphError([Problem(label, 0, 0, f"expected {forms.get(option, 'name=value')}")])
    return name, to_plain(parse_value(value, label)) if evaluate else value.strip()


def parse_swap(text: str, label: str) -> Swap:
    """Read ``use[:parameter=value,...]``.

    Raises:
        UsageError: it has not this form.
    """
    use, colon, rest = text.partition(":")
    if not use.strip() or (colon and not rest.strip()):
        raise UsageError(f"{label}: expected blocks/name or blocks/name:parameter=value,..., got {text!r}")
    params: dict[str, Any] = {}
    for part in _split(rest) if colon else []:
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{label}: expected parameter=value, got {part.strip()!r}")
        params[name.strip()] = to_plain(parse_value(value, label))
    return Swap(use.strip(), params)


def _is_dotted(name: str) -> bool:
    block, dot, param = name.partition(".")
    return bool(block and dot and param)


def _split(text: str) -> list[str]:
    """Split at commas outside of brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "," and depth <= 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
