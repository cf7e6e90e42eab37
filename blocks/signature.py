"""Reads a block's ports from the annotations of its `work`."""

from __future__ import annotations

import collections.abc
import functools
import inspect
import operator
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Union

from ..errors import UnknownBlock
from .block import Block
from .envelope import Header, Identity, Out, State, Stream, Trace
from .ports import PortType, one_of

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
        stream_or_none: It asks for ``Stream | None``: a block on `Symbols | Samples` is told by it which of them came.
    """

    inputs: dict[str, InputPort]
    outputs: dict[str, PortType]
    injected: dict[str, str]
    named_outputs: bool = False
    stream_or_none: bool = False

    def resolved(
        self, takes: dict[str, PortType], gives: dict[str, PortType]
    ) -> tuple[dict[str, PortType], dict[str, PortType]]:
        """Return the types of all ports where some take one of several: what is connected decides.

        An output of several types gives the one that comes in; where nothing is connected, the first.

        Args:
            takes: Types that come in, by input; those that are not connected are left out.
            gives: Types that go out, by output.
        """
        inputs = {
            name: takes.get(name, port.type) if port.type.either else port.type for name, port in self.inputs.items()
        }
        came = next((inputs[name] for name, port in self.inputs.items() if port.type.either and name in takes), None)
        outputs = {
            name: gives.get(name) or came or port.either[0] if port.either else port
            for name, port in self.outputs.items()
        }
        return {name: port.choices[0] for name, port in inputs.items()}, outputs

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


@functools.cache
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
    stream_or_none = False
    for name, parameter in list(inspect.signature(work).parameters.items())[1:]:
        hint = hints.get(name)
        asked = _without_none(hint)
        if isinstance(asked, type) and asked in INJECTED:
            injected[name] = INJECTED[asked]
            stream_or_none = stream_or_none or (asked is Stream and hint is not Stream)
            continue
        port = _port(_without_none(hint))
        if port is None:
            raise UnknownBlock(
                f"{block.__name__}.work: argument '{name}': expected a port type such as Image or Symbols, or Header, "
                f"State, Trace, Identity, Stream; got {hint!r}"
            )
        inputs[name] = InputPort(port, optional=parameter.default is None)
    outputs, named = _outputs(block, hints.get("return"))
    return Signature(inputs, outputs, injected, named, stream_or_none)


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
        return left[0] if len(left) == 1 else functools.reduce(operator.or_, left)
    return hint


def _port(hint: Any) -> PortType | None:
    if typing.get_origin(hint) is Annotated:
        return next((mark for mark in hint.__metadata__ if isinstance(mark, PortType)), None)
    if typing.get_origin(hint) in (Union, types.UnionType):
        several = [_port(part) for part in typing.get_args(hint)]
        found = [port for port in several if port is not None]
        alike = len({(port.dtype, port.shape) for port in found}) == 1
        return one_of(*found) if alike and len(found) == len(several) else None
    return None
