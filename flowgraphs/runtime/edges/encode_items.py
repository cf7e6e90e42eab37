"""Items to the frames of one message.

``items`` carries one item, each of its arrays in a frame of its own, or many small ones, all arrays in one frame, each
starting at a multiple of 16 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....blocks.envelope import Envelope, State, Trace
from ....errors import SignalError, WireError
from ....sim.waveform.reception import Reception
from .bounds import ALIGN, MAX_AXES, MAX_FRAME_BYTES, MAX_HEAD_BYTES, MAX_TEXT
from .decode import check_head
from .item_heads import (
    CODES,
    PORT_CODES,
    STATE_CODES,
    ArrayHead,
    ItemHead,
    ItemsHead,
    SentHead,
    StateHead,
    TraceHead,
)
from .messages import MALFORMED, Buffer, encoder, one_line

__all__ = ["HeadTooLarge", "encode_items", "item_bytes"]

_NO_STATE: Final = Envelope().state
_NO_TRACE: Final = Envelope().trace
_ZEROS: Final = bytes(ALIGN)


class HeadTooLarge(WireError):
    """The head of a message exceeds its bound: fewer items to a message would do."""


def item_bytes(envelope: Envelope, array: NDArray[Any]) -> int:
    """Return the bytes of an item's arrays: what it counts against a window."""
    size: int = array.nbytes
    state = envelope.state
    if state is not _NO_STATE:
        if isinstance(state.n0, np.ndarray):
            size += state.n0.nbytes
        if state.h is not None:
            size += state.h.nbytes
        if state.reception is not None:
            size += state.reception.nbytes
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
    arrays: list[NDArray[Any]] = []
    heads = [_item_head(edge, envelope, array, arrays) for envelope, array, _ in items]
    try:
        head = encoder.encode(ItemsHead(edge, session, first, heads))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(f"edge {edge}, item {first}: cannot be sent: {one_line(error)}") from None
    if len(head) > MAX_HEAD_BYTES:
        if len(items) > 1:
            raise HeadTooLarge(f"edge {edge}: {len(items)} items have a head of {len(head)} bytes")
        raise WireError(
            f"edge {edge}, item {first}: header and trace take {len(head)} bytes, at most {MAX_HEAD_BYTES} can be sent"
        )
    if any(_may_break_a_bound(envelope) for envelope, _, _ in items):
        _check_sendable(head, edge, first)
    return [head, *_frames(edge, first, arrays)] if len(items) == 1 else [head, _packed(arrays)]


def _item_head(edge: int, envelope: Envelope, array: NDArray[Any], arrays: list[NDArray[Any]]) -> ItemHead:
    """Return the head of one item, and add its arrays to the list."""
    code = CODES.get(array.dtype)
    if code not in PORT_CODES or array.ndim > MAX_AXES:
        raise WireError(
            f"edge {edge}, item {envelope.identity.seq}: expected uint8, float32 or complex64 with at most "
            f"{MAX_AXES} axes, got {array.dtype} with {array.ndim}"
        )
    arrays.append(array)
    trace, state, sent = envelope.trace, envelope.state, envelope.sent
    return ItemHead(
        envelope.identity,
        code,  # type: ignore[arg-type]  # tested above
        array.shape,
        envelope.stream,
        envelope.header._entries or None,
        None if state is _NO_STATE else _state_head(state, arrays),
        None if trace is _NO_TRACE else _trace_head(trace),
        [SentHead(frame.offset, frame.seq, frame.part, _trace_head(frame.trace)) for frame in sent] if sent else [],
    )


def _frames(edge: int, first: int, arrays: list[NDArray[Any]]) -> list[Buffer]:
    """Return a frame an array."""
    for array in arrays:
        if array.nbytes > MAX_FRAME_BYTES:
            raise WireError(
                f"edge {edge}, item {first}: expected at most {MAX_FRAME_BYTES} bytes, got {array.nbytes}; "
                "send it in parts"
            )
    return [_buffer(array) for array in arrays]


def _packed(arrays: list[NDArray[Any]]) -> bytes:
    """Return all arrays in one frame."""
    chunks: list[Any] = []
    for array in arrays:
        chunks.append(array if array.flags.c_contiguous else array.tobytes())
        if pad := -array.nbytes % ALIGN:
            chunks.append(_ZEROS[:pad])
    return b"".join(chunks)


def _state_head(state: State, arrays: list[NDArray[Any]]) -> StateHead:
    n0: Any = state.n0
    if isinstance(n0, np.ndarray):
        n0 = _state_array(n0, "n0", arrays)
    elif n0 is not None:
        n0 = float(n0)
    h = None if state.h is None else _state_array(state.h, "h", arrays)
    esn0_db = None if state.esn0_db is None else float(state.esn0_db)
    seen = None if state.reception is None else _state_array(_packed_reception(state.reception), "reception", arrays)
    return StateHead(n0, h, esn0_db, state.csi, state.crc_ok, seen)


def _packed_reception(reception: Reception) -> NDArray[np.float64]:
    try:
        return reception.pack()
    except SignalError as error:
        raise WireError(f"state {error}") from None


def _state_array(array: NDArray[Any], name: str, arrays: list[NDArray[Any]]) -> ArrayHead:
    code = CODES.get(array.dtype)
    if code not in STATE_CODES or array.ndim > MAX_AXES:
        raise WireError(
            f"state {name}: expected float32, float64, complex64 or complex128 with at most {MAX_AXES} axes, "
            f"got {array.dtype} with {array.ndim}"
        )
    arrays.append(array)
    return ArrayHead(code, array.shape)  # type: ignore[arg-type]  # tested above


def _trace_head(trace: Trace) -> TraceHead:
    return TraceHead(trace.label, trace.born_s, trace.values)


def _may_break_a_bound(envelope: Envelope) -> bool:
    """Whether the receiver's checks must be made here too: most items have nothing that could fail them."""
    trace, stream = envelope.trace, envelope.stream
    return bool(
        envelope.header._entries
        or len(trace.label) > MAX_TEXT
        or len(trace.values) > 16
        or envelope.sent
        or (stream is not None and stream.annotations)
    )


def _check_sendable(head: bytes, edge: int, first: int) -> None:
    """Raise here what the receiver would raise, so that the error stands where the item was made."""
    try:
        check_head(head)
    except (*MALFORMED, WireError) as error:
        raise WireError(f"edge {edge}, item {first}: cannot be sent: {one_line(error)}") from None


def _buffer(array: NDArray[Any]) -> memoryview:
    contiguous: Any = array if array.flags.c_contiguous else np.ascontiguousarray(array)
    return memoryview(contiguous.reshape(-1).view(np.uint8)) if array.size else memoryview(b"")
