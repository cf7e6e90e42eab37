"""Reads a block's ports from the annotations of its `work`."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union

from ..errors import UnknownBlock
from .block import Block
from .envelope import Header, Identity, Out, State, Stream, Trace
from .ports import PortType

__all__ = ["INJECTED", "InputPort", "Signature", "read_signature"]

INJECTED: dict[type, str] = {Header: "header", State: "state", Trace: "trace", Identity: "identity", Stream: "stream"}
"""Classes of `work` arguments that come from the envelope, and the envelope's attribute."""


@dataclass(frozen=True)
class InputPort:
    """An input: its type, and whether it may stay unconnected."""

    type: PortType
    optional: bool


@dataclass(frozen=True)
class Signature:
    """A block's ports.

    Attributes:
        inputs: By name, in the order of `work`'s arguments.
        outputs: By name; the one output of a block without a `NamedTuple` is called ``out``.
        injected: Argument name → attribute of the envelope.
        named_outputs: `work` returns a `NamedTuple` with one field an output.
    """

    inputs: dict[str, InputPort]
    outputs: dict[str, PortType]
    injected: dict[str, str]
    named_outputs: bool = False

    @property
    def is_source(self) -> bool:
        """A source makes items of its own: it has no inputs."""
        return not self.inputs

    @property
    def is_sink(self) -> bool:
        """A sink ends a chain: it has no outputs."""
        return not self.outputs


def read_signature(block: type[Block]) -> Signature:
    """Read the ports of a block class.

    Raises:
        UnknownBlock: `work` is missing or an annotation is not a port type.
    """
    key: Any = block  # mypy takes a class for not hashable
    return _read(key)


@cache
def _read(block: Any) -> Signature:
    work = inspect.getattr_static(block, "work", None)
    if not inspect.isfunction(work):
        raise UnknownBlock(f"{block.__name__}: expected a method work(self, ...), got none")
    try:
        hints = typing.get_type_hints(work, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise UnknownBlock(
            f"{block.__name__}.work: an annotation does not resolve: {error}; import it at module level"
        ) from None
    inputs: dict[str, InputPort] = {}
    injected: dict[str, str] = {}
    for name, parameter in list(inspect.signature(work).parameters.items())[1:]:
        hint = hints.get(name)
        if isinstance(hint, type) and hint in INJECTED:
            injected[name] = INJECTED[hint]
            continue
        port = _port(_without_none(hint))
        if port is None:
            raise UnknownBlock(
                f"{block.__name__}.work: argument '{name}': expected a port type such as Image or Symbols, or Header, "
                f"State, Trace, Identity, Stream; got {hint!r}"
            )
        inputs[name] = InputPort(port, optional=parameter.default is None)
    outputs, named = _outputs(block, hints.get("return"))
    return Signature(inputs, outputs, injected, named)


def _outputs(block: type[Block], hint: Any) -> tuple[dict[str, PortType], bool]:
    if hint is None or hint is type(None):
        return {}, False
    hint = _without_none(hint)
    wrappers = (collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator, Out)
    while typing.get_origin(hint) in wrappers and typing.get_args(hint):
        hint = _without_none(typing.get_args(hint)[0])
    port = _port(hint)
    if port is not None:
        return {"out": port}, False
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        fields = typing.get_type_hints(hint, include_extras=True)
        ports = {name: _port(_without_none(fields[name])) for name in hint._fields}
        if all(ports.values()):
            return {name: port for name, port in ports.items() if port is not None}, True
    raise UnknownBlock(
        f"{block.__name__}.work: expected it to return a port type, an iterator of one, Out of one, a NamedTuple of "
        f"them or None; got {hint!r}"
    )


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (Union, types.UnionType):
        left = [part for part in typing.get_args(hint) if part is not type(None)]
        return left[0] if len(left) == 1 else hint
    return hint


def _port(hint: Any) -> PortType | None:
    if typing.get_origin(hint) is Annotated:
        return next((mark for mark in hint.__metadata__ if isinstance(mark, PortType)), None)
    return None
