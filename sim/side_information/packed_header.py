"""A whole header as it goes on the air: version, length, fields, and a check sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits
from ..codes.crc import attach_crc, check_crc, crc_length
from .field import BitReader, BitWriter, HeaderField, KnownFields

__all__ = ["FORMAT", "OVERHEAD_BITS", "pack_header", "unpack_header"]

FORMAT = 1
"""Version of the format, and of how each field is packed."""
_FORMAT_BITS, _LENGTH_BITS = 4, 20
_CRC: Final = "16"
OVERHEAD_BITS = _FORMAT_BITS + _LENGTH_BITS + crc_length(_CRC)
"""Bits beside the fields, without the zeros that fill the last byte of these."""


def pack_header(fields: Sequence[HeaderField]) -> NDArray[np.uint8]:
    """Pack a header.

    4 bits of version, 20 of length (of all of it, in bytes), the fields one after the other, zeros up to a whole byte,
    and the CRC16 of TS 38.212 over all before it.

    Args:
        fields: In the order that both ends know from the flowgraph.

    Returns:
        uint8 ``[n]`` of 0 and 1, n a multiple of 8; `numpy.packbits` makes bytes of them.

    Raises:
        SignalError: a field is out of range, or the header is too long.
    """
    out = BitWriter()
    for field in fields:
        field.write(out)
    body = out.bits()
    size = -(-(body.size + OVERHEAD_BITS) // 8)
    if size >= 1 << _LENGTH_BITS:
        raise SignalError(f"packed header: expected fewer than {1 << _LENGTH_BITS} bytes, got {size}; send less")
    head = BitWriter()
    head.put(FORMAT, _FORMAT_BITS)
    head.put(size, _LENGTH_BITS)
    padding = np.zeros(8 * size - body.size - OVERHEAD_BITS, np.uint8)
    return attach_crc(np.concatenate([head.bits(), body, padding]), _CRC)


def unpack_header(
    bits: NDArray[np.uint8], classes: Sequence[type[HeaderField]], known: Sequence[HeaderField] = ()
) -> tuple[HeaderField, ...]:
    """Unpack a header.

    Args:
        bits: uint8 ``[n]`` of 0 and 1.
        classes: Of its fields, in their order.
        known: What the receiver knows already: what was agreed on, or is counted.

    Raises:
        SignalError: it is of another version, cut short, too long, received with errors, of other fields, or a field is
            out of range.
    """
    check_bits("packed header", bits)
    reader = BitReader(bits)
    if bits.size < OVERHEAD_BITS:
        raise SignalError(
            f"packed header: expected {OVERHEAD_BITS} bits at least, got {bits.size}: it is cut short; "
            "wait for all of it"
        )
    version, size = reader.take("version", _FORMAT_BITS), reader.take("length", _LENGTH_BITS)
    if version != FORMAT:
        raise SignalError(
            f"packed header: expected format version {FORMAT}, got {version}; run the same gr-semcom at both ends"
        )
    if bits.size != 8 * size:
        how = "cut short; wait for all of it" if bits.size < 8 * size else "too long; take no more than it says"
        raise SignalError(f"packed header: expected {8 * size} bits, as it says, got {bits.size}: it is {how}")
    if not check_crc(bits, _CRC):
        raise SignalError(
            "packed header: expected bits whose CRC16 holds, got others: received with errors; drop the frame, or "
            "protect headers by a stronger code"
        )
    fields: list[HeaderField] = []
    for cls in classes:
        fields.append(cls.read(reader, KnownFields(*known, *fields)))
    left = bits.size - crc_length(_CRC) - reader.at
    if not 0 <= left < 8 or reader.take("padding", left):
        raise SignalError(
            f"packed header: expected {', '.join(cls.__name__ for cls in classes)} and up to 7 zeros, got {left} bits "
            "after them; run the same flowgraph at both ends"
        )
    return tuple(fields)
