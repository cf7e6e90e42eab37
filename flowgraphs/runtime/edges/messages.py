"""The messages of an edge that carry no arrays, and the contract that its two ends agree on.

A message is one ZeroMQ multipart message. Its first frame, the head, is msgpack of one of the structs below (an array
whose first element is the kind); arrays follow as raw little-endian frames. Nothing is ever pickled::

    sender -> receiver   hello, items, end, ping, bye
    receiver -> sender   welcome, who, status (credit and acknowledgement), resend, refuse
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec
import numpy as np

from ....errors import WireError
from .bounds import MAX_CONTRACT_BYTES, MAX_HEADER_ENTRIES, MAX_REASON, MAX_TEXT

__all__ = [
    "MALFORMED",
    "Buffer",
    "Bye",
    "Contract",
    "Count",
    "End",
    "Head",
    "Hello",
    "Ping",
    "Plain",
    "Refuse",
    "Resend",
    "Session",
    "Status",
    "Text",
    "Welcome",
    "Who",
    "decode_contract",
    "encode",
    "encode_contract",
    "encoder",
    "one_line",
]

Buffer: TypeAlias = bytes | memoryview
Session = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What the two ends of an edge must agree on. Not the whole graph, so that one side may swap a block.

    Attributes:
        graph: Name of the flowgraph.
        edge: The edge's index in it.
        source, target: Its ends, ``block.port``.
        port: Name of the port type.
        sample_rate_hz: Rate of a stream of samples; ``None`` for other items.
        header: Header fields: at the sender those that it offers, at the receiver those that it needs.
    """

    graph: Text
    edge: Count
    source: Text
    target: Text
    port: Text
    sample_rate_hz: float | None = None
    header: Annotated[tuple[Text, ...], msgspec.Meta(max_length=MAX_HEADER_ENTRIES)] = ()

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Base of what stands in a first frame."""


class Hello(Head, frozen=True, array_like=True, tag="hello"):
    """The sender says who it is; ``base`` is the first item it still has. ``contract`` is read once versions agree.

    Attributes:
        session, graph_hash, seed: The start of the place that sends; the same on all its edges, see `admission`.
    """

    version: Count
    session: Session
    base: Count
    contract: Annotated[bytes, msgspec.Meta(max_length=MAX_CONTRACT_BYTES)]
    graph_hash: Text = ""
    seed: Text = ""


class Welcome(Head, frozen=True, array_like=True, tag="welcome"):
    """The receiver's answer to a hello: its own contract, its window, and where it stands (see `Status`)."""

    version: Count
    session: Session
    peer: Session
    contract: Annotated[bytes, msgspec.Meta(max_length=MAX_CONTRACT_BYTES)]
    depth: Count
    window_bytes: Count
    expect: Count
    consumed: Count
    committed: Count


class Who(Head, frozen=True, array_like=True, tag="who", forbid_unknown_fields=True):
    """The receiver heard somebody it does not know: say hello (again)."""

    session: Session


class Status(Head, frozen=True, array_like=True, tag="status", forbid_unknown_fields=True):
    """Credit and acknowledgement in one, both as running totals, so that a lost one is made good by the next.

    Attributes:
        session, peer: The receiver's session and that of the sender it speaks to.
        expect: Number of the next item it has not received.
        consumed: Items its block has taken; the sender may be its window ahead of this (credit).
        committed: Items the receiving place has finished with; the sender forgets them (acknowledgement).
    """

    session: Session
    peer: Session
    expect: Count
    consumed: Count
    committed: Count


class Resend(Head, frozen=True, array_like=True, tag="resend", forbid_unknown_fields=True):
    """Items were lost on the way: begin again at ``n``."""

    session: Session
    peer: Session
    n: Count


class Refuse(Head, frozen=True, array_like=True, tag="refuse", forbid_unknown_fields=True):
    """The receiver does not take this sender (``peer``), and why."""

    peer: Session
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)]


class End(Head, frozen=True, array_like=True, tag="end", forbid_unknown_fields=True):
    """End of the stream: numbered and acknowledged like an item."""

    edge: Count
    session: Session
    n: Count


class Ping(Head, frozen=True, array_like=True, tag="ping", forbid_unknown_fields=True):
    """The sender has sent everything below ``sent`` and asks for a `Status`."""

    session: Session
    sent: Count


class Bye(Head, frozen=True, array_like=True, tag="bye", forbid_unknown_fields=True):
    """The sender has the acknowledgement of its end."""

    session: Session


Plain: TypeAlias = Hello | Welcome | Who | Status | Resend | Refuse | End | Ping | Bye


def encode(message: Plain) -> list[Buffer]:
    """Return the frames of a message without arrays."""
    return [encoder.encode(message)]


def encode_contract(contract: Contract) -> bytes:
    """Return a contract as it travels in `Hello` and `Welcome`."""
    raw = encoder.encode(contract)
    if len(raw) > MAX_CONTRACT_BYTES:
        raise WireError(f"contract of {contract}: expected at most {MAX_CONTRACT_BYTES} bytes, got {len(raw)}")
    decode_contract(raw)
    return raw


def decode_contract(raw: bytes) -> Contract:
    """Return the contract that came in a `Hello` or `Welcome`.

    Raises:
        WireError: it is none.
    """
    try:
        return _contract_decoder.decode(raw)
    except MALFORMED as error:
        raise WireError(f"contract: malformed: {one_line(error)}") from None


def one_line(error: BaseException) -> str:
    """Return what an error says, on one line and not for pages."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _plain(value: Any) -> Any:
    """Numpy scalars that blocks left in a label or a measurement."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


MALFORMED: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError, MemoryError)
encoder: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
_contract_decoder: Final = msgspec.msgpack.Decoder(Contract)
