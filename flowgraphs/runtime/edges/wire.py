"""The wire: what one message between two workers looks like. Bytes in, values out; no sockets here.

A message is one ZeroMQ multipart message. Its first frame, the head, is msgpack of one of the structs below (an array
whose first element is the kind); arrays follow as raw little-endian frames. Nothing is ever pickled::

    sender -> receiver   hello, items, end, ping, bye
    receiver -> sender   welcome, who, status (credit and acknowledgement), resend, refuse

``items`` carries one item, each of its arrays in a frame of its own, or many small ones, all arrays in one frame, each
starting at a multiple of 16 bytes. Every size is checked against the bounds below before anything is allocated, and
what breaks them raises `WireError`, which is the only thing that `decode` raises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ....blocks.envelope import Envelope, Header, HeaderEntry, Identity, State, Stream, Trace
from ....errors import WireError

__all__ = [
    "END_BYTES",
    "MAX_AXES",
    "MAX_AXIS",
    "MAX_FRAME_BYTES",
    "MAX_HEADER_ENTRIES",
    "MAX_HEAD_BYTES",
    "MAX_NESTING",
    "MAX_PACK_ITEMS",
    "MAX_PARTS",
    "MAX_REASON",
    "MAX_TEXT",
    "WIRE_VERSION",
    "Bye",
    "Contract",
    "End",
    "HeadTooLarge",
    "Hello",
    "Item",
    "Items",
    "Message",
    "Ping",
    "Refuse",
    "Resend",
    "Status",
    "Welcome",
    "Who",
    "decode",
    "decode_contract",
    "encode",
    "encode_contract",
    "encode_items",
    "item_bytes",
]

WIRE_VERSION: Final = 1
MAX_FRAME_BYTES: Final = 1 << 30  # of one frame, and of all arrays of one message; the sockets' MAXMSGSIZE
MAX_HEAD_BYTES: Final = 1 << 20
MAX_PARTS: Final = 4  # head, item, n0, h
MAX_PACK_ITEMS: Final = 256
MAX_AXES: Final = 8
MAX_AXIS: Final = (1 << 31) - 1
MAX_TEXT: Final = 1024  # characters of a label or a name
MAX_REASON: Final = 2048
MAX_CONTRACT_BYTES: Final = 1 << 16
MAX_HEADER_ENTRIES: Final = 64
MAX_TRACE_VALUES: Final = 256
MAX_NESTING: Final = 16  # lists and dicts within the fields of a header
END_BYTES: Final = 0  # what the end of a stream counts against a window
ALIGN: Final = 16

Buffer: TypeAlias = bytes | memoryview
Session = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Shape = Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=MAX_AXIS)], ...], msgspec.Meta(max_length=MAX_AXES)]
PortCode = Literal["u1", "f4", "c8"]  # what `blocks/ports.py` has
StateCode = Literal["f4", "f8", "c8", "c16"]

_DTYPES: Final = {code: np.dtype(f"<{code}") for code in ("u1", "f4", "f8", "c8", "c16")}
_CODES: Final[dict[Any, str]] = {dtype: code for code, dtype in _DTYPES.items()}
_PORT_CODES: Final = frozenset({"u1", "f4", "c8"})
_STATE_CODES: Final = frozenset({"f4", "f8", "c8", "c16"})
_SIZES: Final = {code: dtype.itemsize for code, dtype in _DTYPES.items()}


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


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """Base of what stands in a first frame."""


class Hello(_Head, frozen=True, array_like=True, tag="hello"):
    """The sender says who it is; ``base`` is the first item it still has. ``contract`` is read once versions agree."""

    version: Count
    session: Session
    base: Count
    contract: Annotated[bytes, msgspec.Meta(max_length=MAX_CONTRACT_BYTES)]


class Welcome(_Head, frozen=True, array_like=True, tag="welcome"):
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


class Who(_Head, frozen=True, array_like=True, tag="who", forbid_unknown_fields=True):
    """The receiver heard somebody it does not know: say hello (again)."""

    session: Session


class Status(_Head, frozen=True, array_like=True, tag="status", forbid_unknown_fields=True):
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


class Resend(_Head, frozen=True, array_like=True, tag="resend", forbid_unknown_fields=True):
    """Items were lost on the way: begin again at ``n``."""

    session: Session
    peer: Session
    n: Count


class Refuse(_Head, frozen=True, array_like=True, tag="refuse", forbid_unknown_fields=True):
    """The receiver does not take this sender (``peer``), and why."""

    peer: Session
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)]


class End(_Head, frozen=True, array_like=True, tag="end", forbid_unknown_fields=True):
    """End of the stream: numbered and acknowledged like an item."""

    edge: Count
    session: Session
    n: Count


class Ping(_Head, frozen=True, array_like=True, tag="ping", forbid_unknown_fields=True):
    """The sender has sent everything below ``sent`` and asks for a `Status`."""

    session: Session
    sent: Count


class Bye(_Head, frozen=True, array_like=True, tag="bye", forbid_unknown_fields=True):
    """The sender has the acknowledgement of its end."""

    session: Session


class _Array(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    dtype: StateCode
    shape: Shape


class _StateHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    n0: float | _Array | None
    h: _Array | None
    esn0_db: float | None
    csi: Literal["perfect", "pilots"] | None
    crc_ok: bool | None = None


class _TraceHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    label: Text
    born_s: float
    values: Annotated[dict[Text, float], msgspec.Meta(max_length=MAX_TRACE_VALUES)]


class _ItemHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    identity: Identity
    dtype: PortCode
    shape: Shape
    stream: Stream | None
    header: Annotated[dict[Text, HeaderEntry], msgspec.Meta(max_length=MAX_HEADER_ENTRIES)] | None
    state: _StateHead | None
    trace: _TraceHead | None


class _ItemsHead(_Head, frozen=True, array_like=True, tag="items", forbid_unknown_fields=True):
    edge: Count
    session: Session
    first: Count
    items: Annotated[list[_ItemHead], msgspec.Meta(min_length=1, max_length=MAX_PACK_ITEMS)]


class Item(NamedTuple):
    """One received item.

    Attributes:
        envelope: What travels around it.
        array: Read-only and aligned.
        size: Bytes it counts against a window: `item_bytes`.
    """

    envelope: Envelope
    array: NDArray[Any]
    size: int


class Items(NamedTuple):
    """One or many items in a row; ``first`` is the number of the first."""

    edge: int
    session: int
    first: int
    items: list[Item]


Plain: TypeAlias = Hello | Welcome | Who | Status | Resend | Refuse | End | Ping | Bye
Message: TypeAlias = Plain | Items


class HeadTooLarge(WireError):
    """The head of a message exceeds its bound: fewer items to a message would do."""


def encode(message: Plain) -> list[Buffer]:
    """Return the frames of a message without arrays."""
    return [_encoder.encode(message)]


def encode_contract(contract: Contract) -> bytes:
    """Return a contract as it travels in `Hello` and `Welcome`."""
    raw = _encoder.encode(contract)
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
    except _MALFORMED as error:
        raise WireError(f"contract: malformed: {_one_line(error)}") from None


def item_bytes(envelope: Envelope, array: NDArray[Any]) -> int:
    """Return the bytes of an item's arrays: what it counts against a window."""
    size: int = array.nbytes
    state = envelope.state
    if state is not _NO_STATE:
        if isinstance(state.n0, np.ndarray):
            size += state.n0.nbytes
        if state.h is not None:
            size += state.h.nbytes
    return size


def encode_items(
    edge: int, session: int, first: int, items: Sequence[tuple[Envelope, NDArray[Any], int]]
) -> list[Buffer]:
    """Return the frames of one ``items`` message.

    The arrays of a single item become frames without a copy: they must not change until they are acknowledged.

    Args:
        edge: Index of the edge.
        session: The sender's session.
        first: Number of the first item.
        items: At least one of (envelope, array, bytes of its arrays); the third is not used here.

    Raises:
        HeadTooLarge: several items whose head is beyond its bound; fewer at a time may fit.
        WireError: an item that no receiver would take: dtype, axes, size, label or header.
    """
    heads: list[_ItemHead] = []
    arrays: list[NDArray[Any]] = []
    for envelope, array, _ in items:
        trace, state = envelope.trace, envelope.state
        code = _CODES.get(array.dtype)
        if code not in _PORT_CODES or array.ndim > MAX_AXES:
            raise WireError(
                f"edge {edge}, item {envelope.identity.seq}: expected uint8, float32 or complex64 with at most "
                f"{MAX_AXES} axes, got {array.dtype} with {array.ndim}"
            )
        arrays.append(array)
        heads.append(
            _ItemHead(
                envelope.identity,
                code,  # type: ignore[arg-type]  # tested above
                array.shape,
                envelope.stream,
                envelope.header._entries or None,
                None if state is _NO_STATE else _state_head(state, arrays),
                None if trace is _NO_TRACE else _TraceHead(trace.label, trace.born_s, trace.values),
            )
        )
    try:
        head = _encoder.encode(_ItemsHead(edge, session, first, heads))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(f"edge {edge}, item {first}: cannot be sent: {_one_line(error)}") from None
    if len(head) > MAX_HEAD_BYTES:
        if len(items) > 1:
            raise HeadTooLarge(f"edge {edge}: {len(items)} items have a head of {len(head)} bytes")
        raise WireError(
            f"edge {edge}, item {first}: header and trace take {len(head)} bytes, at most {MAX_HEAD_BYTES} can be sent"
        )
    for envelope, _, _ in items:
        if envelope.header._entries or len(envelope.trace.label) > MAX_TEXT or len(envelope.trace.values) > 16:
            _check_sendable(head, edge, first)
            break
    if len(items) == 1:
        frames: list[Buffer] = [head]
        for array in arrays:
            if array.nbytes > MAX_FRAME_BYTES:
                raise WireError(
                    f"edge {edge}, item {first}: expected at most {MAX_FRAME_BYTES} bytes, got {array.nbytes}; "
                    "send it in parts"
                )
            frames.append(_buffer(array))
        return frames
    chunks: list[Any] = []
    for array in arrays:
        chunks.append(array if array.flags.c_contiguous else array.tobytes())
        if pad := -array.nbytes % ALIGN:
            chunks.append(_ZEROS[:pad])
    return [head, b"".join(chunks)]


def decode(frames: Sequence[Buffer]) -> Message:
    """Return the message that these frames are.

    Arrays are views of the frames where those are aligned, else copies; all are read-only.

    Raises:
        WireError: malformed, truncated or beyond a bound, in one sentence.
    """
    if not 1 <= len(frames) <= MAX_PARTS:
        raise WireError(f"message: expected 1 to {MAX_PARTS} frames, got {len(frames)}")
    if len(frames[0]) > MAX_HEAD_BYTES:
        raise WireError(f"message: expected a head of at most {MAX_HEAD_BYTES} bytes, got {len(frames[0])}")
    try:
        head: Plain | _ItemsHead = _decoder.decode(frames[0])
    except _MALFORMED as error:
        raise WireError(f"message: malformed head: {_one_line(error)}") from None
    if isinstance(head, _ItemsHead):
        return _decode_items(head, frames)
    if len(frames) != 1:
        raise WireError(f"message: expected 1 frame for {type(head).__name__}, got {len(frames)}")
    return head


def _decode_items(head: _ItemsHead, frames: Sequence[Buffer]) -> Items:
    items: list[Item] = []
    new = tuple.__new__  # half the cost of a NamedTuple's own
    single = len(head.items) == 1
    if not single and len(frames) != 2:
        raise WireError(f"items: expected 2 frames for {len(head.items)} items, got {len(frames)}")
    source = _Frames(frames) if single else _Pack(frames[1])
    take = source.take
    for item in head.items:
        array = take(item.dtype, item.shape)
        size: int = array.nbytes
        state = _NO_STATE
        if item.state is not None:
            n0: Any = item.state.n0
            h = None
            if isinstance(n0, _Array):
                n0 = take(n0.dtype, n0.shape)
                size += n0.nbytes
            if item.state.h is not None:
                h = take(item.state.h.dtype, item.state.h.shape)
                size += h.nbytes
            state = State(n0=n0, h=h, esn0_db=item.state.esn0_db, csi=item.state.csi, crc_ok=item.state.crc_ok)
        trace = item.trace
        header = item.header
        if header is not None:
            for entry in header.values():
                _check_entry(entry)
        items.append(
            new(
                Item,
                (
                    Envelope(
                        item.identity,
                        item.stream,
                        _NO_HEADER if header is None else Header(header),
                        state,
                        _NO_TRACE
                        if trace is None
                        else Trace(label=trace.label, born_s=trace.born_s, values=trace.values),
                    ),
                    array,
                    size,
                ),
            )
        )
    source.finish()
    return Items(head.edge, head.session, head.first, items)


class _Frames:
    """The arrays of a single item, each in a frame of its own."""

    def __init__(self, frames: Sequence[Buffer]) -> None:
        self._frames, self._next = frames, 1

    def take(self, code: str, shape: tuple[int, ...]) -> NDArray[Any]:
        if self._next == len(self._frames):
            raise WireError(f"items: expected a frame for {code} {list(shape)}, got none")
        frame = self._frames[self._next]
        self._next += 1
        if len(frame) != _SIZES[code] * math.prod(shape):
            raise WireError(
                f"items: expected {_SIZES[code] * math.prod(shape)} bytes for {code} {list(shape)}, got {len(frame)}"
            )
        array = _view(code, shape, frame, 0)
        if not array.flags.aligned:
            array = array.copy()
        array.flags.writeable = False
        return array

    def finish(self) -> None:
        if self._next != len(self._frames):
            raise WireError(f"items: expected {self._next} frames, got {len(self._frames)}")


class _Pack:
    """The arrays of many items, one after the other in one frame."""

    def __init__(self, frame: Buffer) -> None:
        self._raw = bytes(frame)  # small; bytes objects are aligned and read-only
        self._size, self._at = len(self._raw), 0

    def take(self, code: str, shape: tuple[int, ...]) -> NDArray[Any]:
        at = self._at
        end = at + _SIZES[code] * (shape[0] if len(shape) == 1 else math.prod(shape))
        if end > self._size:
            raise WireError(f"items: expected {end} bytes for {code} {list(shape)}, got {self._size}")
        self._at = end + -end % ALIGN
        return _view(code, shape, self._raw, at)

    def finish(self) -> None:
        if self._at != self._size:
            raise WireError(f"items: expected {self._at} bytes in all, got {self._size}")


def _view(code: str, shape: tuple[int, ...], buffer: Buffer, at: int) -> NDArray[Any]:
    try:
        return np.ndarray(shape, _DTYPES[code], buffer, at)
    except ValueError:  # a zero among huge axes passes the check of bytes and not numpy's own
        raise WireError(f"items: {code} {list(shape)} is too large") from None


def _state_head(state: State, arrays: list[NDArray[Any]]) -> _StateHead:
    n0: Any = state.n0
    if isinstance(n0, np.ndarray):
        n0 = _state_array(n0, "n0", arrays)
    elif n0 is not None:
        n0 = float(n0)
    h = None if state.h is None else _state_array(state.h, "h", arrays)
    esn0_db = None if state.esn0_db is None else float(state.esn0_db)
    return _StateHead(n0, h, esn0_db, state.csi, state.crc_ok)


def _state_array(array: NDArray[Any], name: str, arrays: list[NDArray[Any]]) -> _Array:
    code = _CODES.get(array.dtype)
    if code not in _STATE_CODES or array.ndim > MAX_AXES:
        raise WireError(
            f"state {name}: expected float32, float64, complex64 or complex128 with at most {MAX_AXES} axes, "
            f"got {array.dtype} with {array.ndim}"
        )
    arrays.append(array)
    return _Array(code, array.shape)  # type: ignore[arg-type]  # tested above


def _check_entry(entry: HeaderEntry) -> None:
    if entry.bits < 0:
        raise WireError(f"header: expected at least 0 bits, got {entry.bits}")
    if not 0 < entry.bits_per_use < math.inf:
        raise WireError(f"header: expected a finite charge above 0 bits per use, got {entry.bits_per_use}")
    for value in entry.fields.values():
        if not isinstance(value, _SCALARS):
            _check_value(value, MAX_NESTING)


def _check_value(value: Any, depth: int) -> None:
    if isinstance(value, _SCALARS):
        return
    if depth == 0:
        raise WireError(f"header: expected at most {MAX_NESTING} levels of nesting, got more")
    if isinstance(value, list):
        for element in value:
            _check_value(element, depth - 1)
    elif isinstance(value, dict) and all(isinstance(key, str | int) for key in value):
        for element in value.values():
            _check_value(element, depth - 1)
    else:
        raise WireError(f"header: expected numbers, text, lists and maps, got {type(value).__name__}")


def _check_sendable(head: bytes, edge: int, first: int) -> None:
    """Raise here what the receiver would raise, so that the error stands where the item was made."""
    try:
        decoded = _decoder.decode(head)
        if isinstance(decoded, _ItemsHead):
            for item in decoded.items:
                for entry in (item.header or {}).values():
                    _check_entry(entry)
    except (*_MALFORMED, WireError) as error:
        raise WireError(f"edge {edge}, item {first}: cannot be sent: {_one_line(error)}") from None


def _buffer(array: NDArray[Any]) -> memoryview:
    contiguous: Any = array if array.flags.c_contiguous else np.ascontiguousarray(array)
    return memoryview(contiguous.reshape(-1).view(np.uint8)) if array.size else memoryview(b"")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _plain(value: Any) -> Any:
    """Numpy scalars that blocks left in a label, a measurement or a header field."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


_NO_STATE: Final = Envelope().state
_NO_TRACE: Final = Envelope().trace
_NO_HEADER: Final = Envelope().header
_ZEROS: Final = bytes(ALIGN)
_SCALARS: Final = (int, float, str, bool, type(None), bytes)
_MALFORMED: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError, MemoryError)
_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
_decoder: Final = msgspec.msgpack.Decoder(Plain | _ItemsHead)
_contract_decoder: Final = msgspec.msgpack.Decoder(Contract)
