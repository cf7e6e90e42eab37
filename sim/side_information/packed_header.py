"""A whole header as it goes on the air: version, length, numbered fields, and a check sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits
from ..codes.crc import attach_crc, check_crc, crc_length
from .cdm_mode import CdmMode
from .coded_image import CodedImage
from .constellation_frame import ConstellationFrame
from .feature_code import FeatureCode
from .feature_shape import FeatureShape
from .field import BitReader, BitWriter, HeaderField, KnownFields
from .full_scale import FullScale
from .image_shape import ImageShape
from .joined_symbols import JoinedSymbols
from .jscc_mode import JsccMode
from .label_classes import LabelClasses
from .latent_mode import LatentMode
from .link_scheme import LinkScheme
from .matched_scheme import MatchedScheme
from .model_id import ModelId
from .motion_map import MotionMap
from .power_scale import PowerScale
from .qam_frame import QamFrame
from .rate_map import RateMap
from .sc_sic_mode import ScSicMode
from .shaped_scheme import ShapedScheme
from .stream_part import StreamPart
from .swin_mode import SwinMode
from .tile_map import TileMap
from .transport_block import TransportBlock

__all__ = ["FORMAT", "OVERHEAD_BITS", "SENT_FIELDS", "pack_header", "pack_numbered", "unpack_header"]

FORMAT = 2
"""Version of the format, of the numbers of fields, and of how each is packed."""
SENT_FIELDS: Final[tuple[type[HeaderField], ...]] = (
    ImageShape,
    ModelId,
    JsccMode,
    CdmMode,
    RateMap,
    ScSicMode,
    PowerScale,
    ConstellationFrame,
    CodedImage,
    LinkScheme,
    QamFrame,
    TransportBlock,
    FeatureShape,
    FeatureCode,
    FullScale,
    LatentMode,
    JoinedSymbols,
    LabelClasses,
    TileMap,
    SwinMode,
    StreamPart,
    MotionMap,
    MatchedScheme,
    ShapedScheme,
)
"""Fields that go on the air; a field's number is its place, from 1 on. New ones come last."""
_FORMAT_BITS, _LENGTH_BITS, _NUMBER_BITS = 4, 20, 6
_CRC: Final = "16"
OVERHEAD_BITS = _FORMAT_BITS + _LENGTH_BITS + crc_length(_CRC)
"""Bits beside the numbered fields, without the zeros that fill the last byte of these."""
_NUMBERS = {cls.__name__: number for number, cls in enumerate(SENT_FIELDS, 1)}


def pack_header(fields: Sequence[HeaderField]) -> NDArray[np.uint8]:
    """Pack a header: `pack_numbered` of fields that are not packed yet.

    Raises:
        SignalError: a field is out of range or has no number, or the header is too long.
    """
    return pack_numbered([(type(field).__name__, field.pack()) for field in fields])


def pack_numbered(fields: Sequence[tuple[str, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Pack a header, so that a receiver needs to be told nothing to read it.

    4 bits of version, 20 of length (of all of it, in bytes); of each field its number in 6 bits, and its bits; zeros up
    to a whole byte, and the CRC16 of TS 38.212 over all before it.

    Args:
        fields: Class name and packed bits of each. One that needs another to be read comes after it.

    Returns:
        uint8 ``[n]`` of 0 and 1, n a multiple of 8; `numpy.packbits` makes bytes of them.

    Raises:
        SignalError: a field has no number, or the header is too long.
    """
    out = BitWriter()
    parts: list[NDArray[np.uint8]] = []
    for name, bits in fields:
        if name not in _NUMBERS:
            raise SignalError(
                f"packed header: expected fields among {', '.join(_NUMBERS)}, got {name}; only these go on the air"
            )
        number = BitWriter()
        number.put(_NUMBERS[name], _NUMBER_BITS)
        parts += [number.bits(), bits]
    body = np.concatenate([*parts, np.zeros(0, np.uint8)])
    size = -(-(body.size + OVERHEAD_BITS) // 8)
    if size >= 1 << _LENGTH_BITS:
        raise SignalError(f"packed header: expected fewer than {1 << _LENGTH_BITS} bytes, got {size}; send less")
    out.put(FORMAT, _FORMAT_BITS)
    out.put(size, _LENGTH_BITS)
    padding = np.zeros(8 * size - body.size - OVERHEAD_BITS, np.uint8)
    return attach_crc(np.concatenate([out.bits(), body, padding]), _CRC)


def unpack_header(bits: NDArray[np.uint8], known: Sequence[HeaderField] = ()) -> tuple[HeaderField, ...]:
    """Unpack a header.

    Args:
        bits: uint8 ``[n]`` of 0 and 1.
        known: What the receiver knows already: what was agreed on, or is counted.

    Raises:
        SignalError: it is of another version, cut short, too long, received with errors, with a field that has no such
            number, or one that is out of range.
    """
    check_bits("packed header", bits)
    if bits.size < OVERHEAD_BITS:
        raise SignalError(
            f"packed header: expected {OVERHEAD_BITS} bits at least, got {bits.size}: it is cut short; "
            "wait for all of it"
        )
    end = bits.size - crc_length(_CRC)
    reader = BitReader(bits[:end])
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
    while end - reader.at >= _NUMBER_BITS and (number := reader.take("number", _NUMBER_BITS)):
        if number > len(SENT_FIELDS):
            raise SignalError(
                f"packed header: expected field numbers up to {len(SENT_FIELDS)}, got {number}; run the same gr-semcom "
                "at both ends"
            )
        fields.append(SENT_FIELDS[number - 1].read(reader, KnownFields(*known, *fields)))
    left = end - reader.at
    if left >= 8 or reader.take("padding", left):
        names = ", ".join(type(field).__name__ for field in fields) or "no field"
        raise SignalError(
            f"packed header: expected up to 7 zeros behind {names}, got {left} bits; run the same gr-semcom at both "
            "ends"
        )
    return tuple(fields)
