"""One call of a block: what its `work` is given from an envelope, and what it wrote beside its value."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from numpy.typing import NDArray

from .envelope import Envelope, Out, Stream
from .ports import PortType
from .signature import Signature

__all__ = ["arguments", "checked", "written"]


def arguments(
    signature: Signature, values: dict[str, Any], envelope: Envelope, stream: Stream | None = None
) -> dict[str, Any]:
    """Return the arguments of `work`: the arrays by port, and what it asks of the envelope.

    Args:
        signature: Of the block.
        values: By input port; what is asked of the envelope is added to it.
        envelope: Of the item; of several inputs, merged.
        stream: In place of the envelope's, where the caller knows more of it.
    """
    given: dict[str, Any] = values
    for name, attribute in signature.injected.items():
        if attribute == "stream":
            given[name] = stream or envelope.stream or (None if signature.stream_or_none else Stream())
        elif attribute == "trace":
            trace = envelope.trace
            given[name] = msgspec.structs.replace(trace, age_s=time.time() - trace.born_s if trace.born_s else 0.0)
        else:
            given[name] = getattr(envelope, attribute)
    return given


def written(envelope: Envelope, out: Out[Any]) -> Envelope:
    """Return an envelope with what a block wrote into it: header fields, receiver state, label and measurements."""
    return msgspec.structs.replace(
        envelope,
        header=envelope.header.with_fields(*out.header) if out.header else envelope.header,
        state=envelope.state.updated(out.state) if out.state else envelope.state,
        trace=envelope.trace.updated(out.label, out.trace) if out.trace or out.label else envelope.trace,
    )


def checked(port: PortType, value: object, where: str) -> NDArray[Any]:
    """Return an array that came out of a block, frozen, once it is of its port's type.

    Raises:
        SignalError: it is not; the message starts with ``where``.
    """
    array = port.check(value, where)
    if array.flags.writeable:
        array.setflags(write=False)
    return array
