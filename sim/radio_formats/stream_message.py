"""A message of GNU Radio's ZeroMQ stream blocks: complex items, with `pass_tags` behind a header of tags."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import WireError
from .pmt import MAX_OBJECTS, Pmt, PmtReader, pack_pmt

__all__ = ["ITEM_BYTES", "StreamMessage", "Tag", "pack_stream", "unpack_stream"]

ITEM_BYTES: Final = 8  # I and Q as float32, little-endian
_HEADER: Final = struct.Struct("<HBQQ")  # mark, version, number of the first item, number of tags
_MARK, _VERSION = 0x5FF0, 1


class Tag(NamedTuple):
    """What is said of one item of a stream.

    Attributes:
        offset: Number of the item in its stream.
        key, value: What is said.
        source: Who says it; GNU Radio writes false where nobody is named.
    """

    offset: int
    key: Pmt
    value: Pmt
    source: Pmt = False


class StreamMessage(NamedTuple):
    """What one message carries.

    Attributes:
        items: complex64 ``[n]``.
        offset: Number of the first item in the sender's stream; None without a header.
        tags: By rising place, as the sender wrote them.
    """

    items: NDArray[np.complex64]
    offset: int | None = None
    tags: tuple[Tag, ...] = ()


def pack_stream(items: NDArray[np.complex64], offset: int | None = None, tags: Sequence[Tag] = ()) -> bytes:
    """Return the message for these items; with a header of tags where an offset is given.

    Raises:
        SignalError: a tag has a value that PMT cannot carry.

    Example:
        >>> pack_stream(np.array([1 + 2j], np.complex64), 5).hex(" ", 4)
        'f05f01 05000000 00000000 00000000 00000000 0000803f 00000040'
    """
    body = items.astype("<c8", copy=False).tobytes()
    if offset is None:
        return body
    words = [_HEADER.pack(_MARK, _VERSION, offset, len(tags))]
    for tag in tags:
        words += [struct.pack("<Q", tag.offset), pack_pmt(tag.key), pack_pmt(tag.value), pack_pmt(tag.source)]
    return b"".join([*words, body])


def unpack_stream(data: bytes | memoryview, *, pass_tags: bool) -> StreamMessage:
    """Return what a message carries; the items are read-only, and where they lie if that place is aligned.

    Args:
        data: The message.
        pass_tags: It has a header.

    Raises:
        WireError: it is no such message.
    """
    if pass_tags:
        offset, tags, at = _read_header(data)
    else:
        offset, tags, at = None, (), 0
    if (len(data) - at) % ITEM_BYTES or (not pass_tags and _is_tagged(data)):
        raise WireError(_misfit(data, at, pass_tags=pass_tags))
    items = np.frombuffer(data, "<c8", offset=at).astype(np.complex64, copy=False)
    items = np.require(items, requirements="A")
    items.flags.writeable = False
    return StreamMessage(items, offset, tags)


def _read_header(data: bytes | memoryview) -> tuple[int, tuple[Tag, ...], int]:
    """Return offset, tags, and where the items start."""
    if len(data) < _HEADER.size:
        raise WireError(f"stream message: expected a tag header of {_HEADER.size} bytes, got {len(data)} bytes in all")
    mark, version, offset, count = _HEADER.unpack_from(data)
    if (mark, version) != (_MARK, _VERSION):
        begin = bytes(data[:3]).hex(" ")
        raise WireError(
            f"stream message: expected a tag header (f0 5f 01), got {begin}; set pass_tags at both ends or at neither"
        )
    if count > MAX_OBJECTS:
        raise WireError(f"stream message: expected at most {MAX_OBJECTS} tags, got {count}")
    reader = PmtReader(data, _HEADER.size)
    tags = tuple(Tag(reader.unsigned(), reader.read(), reader.read(), reader.read()) for _ in range(count))
    return offset, tags, reader.at


def _is_tagged(data: bytes | memoryview) -> bool:
    """Whether a message that should have no header has one; samples look like one once in 2^24 messages, or less."""
    if bytes(data[:3]) != struct.pack("<HB", _MARK, _VERSION):
        return False
    try:
        return not (len(data) - _read_header(data)[2]) % ITEM_BYTES
    except WireError:
        return False


def _misfit(data: bytes | memoryview, at: int, *, pass_tags: bool) -> str:
    if not pass_tags and _is_tagged(data):
        return "stream message: expected items alone, got a tag header; set pass_tags at both ends or at neither"
    return (
        f"stream message: expected a multiple of {ITEM_BYTES} bytes (complex items), got {len(data) - at}; "
        "let the sender send type complex, without a key"
    )
