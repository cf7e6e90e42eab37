"""Frames to a message; every size is checked before anything is allocated.

What breaks a bound raises `WireError`, which is the only thing that `decode` raises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ....blocks.envelope import Envelope, Header, HeaderEntry, SentFrame, State, Stream, Trace
from ....errors import SignalError, WireError
from ....sim.waveform.reception import Reception
from .bounds import ALIGN, MAX_HEAD_BYTES, MAX_PARTS, MAX_PLACED, MAX_TEXT
from .item_heads import DTYPES, ArrayHead, ItemHead, ItemsHead, TraceHead
from .messages import MALFORMED, Buffer, Plain, one_line

__all__ = ["Item", "Items", "Message", "check_head", "decode"]

_SIZES: Final = {code: dtype.itemsize for code, dtype in DTYPES.items()}
_NO_STATE: Final = Envelope().state
_NO_TRACE: Final = Envelope().trace
_NO_HEADER: Final = Envelope().header
_decoder: Final = msgspec.msgpack.Decoder(Plain | ItemsHead)


class Item(NamedTuple):
    """One received item.

    Attributes:
        envelope: What travels around it.
        array: Read-only and aligned.
        size: Bytes it counts against a window: `encode_items.item_bytes`.
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


Message: TypeAlias = Plain | Items


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
        head: Plain | ItemsHead = _decoder.decode(frames[0])
    except MALFORMED as error:
        raise WireError(f"message: malformed head: {one_line(error)}") from None
    if isinstance(head, ItemsHead):
        return _decode_items(head, frames)
    if len(frames) != 1:
        raise WireError(f"message: expected 1 frame for {type(head).__name__}, got {len(frames)}")
    return head


def check_head(head: bytes) -> None:
    """Check the head of an ``items`` message as `decode` does. Raises WireError, or what msgspec raises."""
    decoded = _decoder.decode(head)
    if isinstance(decoded, ItemsHead):
        for item in decoded.items:
            _check(item)


def _decode_items(head: ItemsHead, frames: Sequence[Buffer]) -> Items:
    single = len(head.items) == 1
    if not single and len(frames) != 2:
        raise WireError(f"items: expected 2 frames for {len(head.items)} items, got {len(frames)}")
    source = _Frames(frames) if single else _Pack(frames[1])
    items = [_item(item, source) for item in head.items]
    source.finish()
    return Items(head.edge, head.session, head.first, items)


def _item(head: ItemHead, source: _Frames | _Pack) -> Item:
    array = source.take(head.dtype, head.shape)
    size: int = array.nbytes
    state = _NO_STATE
    if head.state is not None:
        n0: Any = head.state.n0
        h = None
        if isinstance(n0, ArrayHead):
            n0 = source.take(n0.dtype, n0.shape)
            size += n0.nbytes
        if head.state.h is not None:
            h = source.take(head.state.h.dtype, head.state.h.shape)
            size += h.nbytes
        seen = None
        if head.state.reception is not None:
            seen = _reception(source.take(head.state.reception.dtype, head.state.reception.shape))
            size += seen.nbytes
        state = State(
            n0=n0, h=h, esn0_db=head.state.esn0_db, csi=head.state.csi, crc_ok=head.state.crc_ok, reception=seen
        )
    _check(head)
    envelope = Envelope(
        head.identity,
        head.stream,
        _NO_HEADER if head.header is None else Header(head.header),
        state,
        _NO_TRACE if head.trace is None else _trace(head.trace),
        tuple(SentFrame(frame.offset, frame.seq, frame.part, _trace(frame.trace)) for frame in head.sent)
        if head.sent
        else (),
    )
    return tuple.__new__(Item, (envelope, array, size))  # half the cost of a NamedTuple's own


def _reception(packed: NDArray[Any]) -> Reception:
    try:
        return Reception.unpack(packed)
    except SignalError as error:
        raise WireError(f"state {error}") from None


def _trace(head: TraceHead) -> Trace:
    return Trace(label=head.label, born_s=head.born_s, values=head.values)


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
        return np.ndarray(shape, DTYPES[code], buffer, at)
    except ValueError:  # a zero among huge axes passes the check of bytes and not numpy's own
        raise WireError(f"items: {code} {list(shape)} is too large") from None


def _check(item: ItemHead) -> None:
    """Check what msgspec does not. Raises WireError."""
    if item.header is not None:
        for entry in item.header.values():
            _check_entry(entry)
    if item.stream is not None and (item.stream.annotations or item.stream.offset < 0):
        _check_stream(item.stream)


def _check_stream(stream: Stream) -> None:
    if stream.offset < 0:
        raise WireError(f"stream: expected an offset of at least 0, got {stream.offset}")
    if len(stream.annotations) > MAX_PLACED:
        raise WireError(f"stream: expected at most {MAX_PLACED} annotations, got {len(stream.annotations)}")
    for note in stream.annotations:
        text = len(note.key) + (len(note.value) if isinstance(note.value, str) else 0)
        if text > MAX_TEXT:
            raise WireError(f"stream: expected annotations of at most {MAX_TEXT} characters, got {text}")


def _check_entry(entry: HeaderEntry) -> None:
    if entry.bits < 0 or len(entry.packed) != -(-entry.bits // 8):
        raise WireError(f"header: expected bytes for {entry.bits} bits, got {len(entry.packed)}")
