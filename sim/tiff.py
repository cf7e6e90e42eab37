"""TIFF: its tags, read as far as they are whole, and which of its many kinds Pillow reads rightly."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import BinaryIO

__all__ = ["ORIENTATION", "PHOTOMETRIC", "Tags", "depth_bits", "kind_of", "read_tags", "reads_rightly"]

Tags = Mapping[int, tuple[int, ...]]

SUBFILE, BITS, COMPRESSION, PHOTOMETRIC, ORIENTATION, SAMPLES = 254, 258, 259, 262, 274, 277
PLANAR, PALETTE, EXTRA_SAMPLES, FORMAT = 284, 320, 338, 339

_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q"}
_MOST_VALUES = 4096  # of a tag: those that list the strips of a large picture are not asked for
_LONGEST_DIRECTORY = 4096

_COLOURS = {
    0: "min-is-white",
    1: "min-is-black",
    2: "RGB",
    3: "palette",
    4: "transparency mask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIE Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32803: "colour filter array",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw",
}
_DEPTHS = {0: (1, 2, 4, 8, 16), 1: (1, 2, 4, 8, 12, 16), 2: (8, 16), 3: (1, 2, 4, 8), 5: (8, 16), 6: (8,), 8: (8,)}
_PLANES = {2: 3, 5: 4}
_FORMATS = {2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}


def read_tags(stream: BinaryIO) -> dict[int, tuple[int, ...]]:
    """The whole numbers in the first directory of a TIFF, or of EXIF, which is laid out as one.

    A tag that is not whole (its value lies outside of the file, its type is none) is left out, and so is all that a
    truncated directory lacks; the others are read.

    Args:
        stream: Begins with the header, ``II`` or ``MM``.

    Returns:
        Tag → values; empty where there is no such header.
    """
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return {}
    big = struct.unpack(f"{order}H", head[2:4]) == (43,) and len(head) == 16
    entry, count = struct.Struct(order + ("HHQ8s" if big else "HHI4s")), struct.Struct(order + ("Q" if big else "H"))
    place = struct.Struct(order + ("Q" if big else "I"))
    directory = _at(stream, place.unpack_from(head, 8 if big else 4)[0], count.size + _LONGEST_DIRECTORY * entry.size)
    if len(directory) < count.size:
        return {}
    least = min(count.unpack_from(directory)[0], (len(directory) - count.size) // entry.size)
    tags: dict[int, tuple[int, ...]] = {}
    for number in range(least):
        tag, kind, values, inside = entry.unpack_from(directory, count.size + number * entry.size)
        if kind not in _INTEGERS or not 0 < values <= _MOST_VALUES:
            continue
        form = struct.Struct(order + _INTEGERS[kind] * values)
        data = inside if form.size <= place.size else _at(stream, place.unpack(inside)[0], form.size)
        if len(data) >= form.size:
            tags.setdefault(tag, form.unpack_from(data))
    return tags


def depth_bits(tags: Tags) -> int:
    """Bits a sample; 0 where the samples differ."""
    depths = set(tags.get(BITS, (1,)))
    return depths.pop() if len(depths) == 1 else 0


def kind_of(tags: Tags) -> str:
    """Name the kind of a TIFF: depth, colours, and what else it is told apart by."""
    colour, extra = _one(tags, PHOTOMETRIC, 0), tags.get(EXTRA_SAMPLES, ())
    depths = "/".join(str(bits) for bits in dict.fromkeys(tags.get(BITS, (1,))))
    form = next((_FORMATS[kind] for kind in tags.get(FORMAT, ()) if kind in _FORMATS), "unsigned")
    parts = [f"{_COLOURS.get(colour, f'colours of kind {colour}')} of {depths} bits, {form}"]
    parts += [f"extra samples {extra}"] * bool(extra)
    parts += ["plane by plane"] * _is_planar(tags)
    parts += ["its colours of 8 bits"] * _has_short_palette(tags)
    parts += [f"compression {_one(tags, COMPRESSION, 1)}"]
    return ("a preview, " if _one(tags, SUBFILE, 0) & 1 else "") + ", ".join(parts)


def reads_rightly(tags: Tags) -> bool:
    """Whether Pillow reads this kind of TIFF rightly, or not at all.

    It takes signed samples for unsigned ones, planes of 16 bits for planes of 8, and uncompressed YCbCr for RGB, or for
    YCbCr without subsampling. A preview is not the picture that the file is about.
    """
    colour, extra, bits = _one(tags, PHOTOMETRIC, 0), tags.get(EXTRA_SAMPLES, ()), depth_bits(tags)
    if _one(tags, SUBFILE, 0) & 1 or any(kind in _FORMATS for kind in tags.get(FORMAT, ())):
        return False
    if bits not in _DEPTHS.get(colour, ()) or (extra and bits < 8):
        return False
    if _has_short_palette(tags):
        return False
    if _is_planar(tags) and (bits > 8 or _one(tags, SAMPLES, 1) - len(extra) != _PLANES.get(colour) or 1 in extra):
        return False
    return colour != 6 or _one(tags, COMPRESSION, 1) != 1


def _has_short_palette(tags: Tags) -> bool:
    """Old programs wrote 8 bits where 16 belong: all would be black."""
    return 0 < max(tags.get(PALETTE, (0,))) < 256


def _is_planar(tags: Tags) -> bool:
    return _one(tags, PLANAR, 1) == 2 and _one(tags, SAMPLES, 1) > 1


def _one(tags: Tags, tag: int, default: int) -> int:
    return tags.get(tag, (default,))[0]


def _at(stream: BinaryIO, offset: int, size: int) -> bytes:
    if offset >= 1 << 62:
        return b""
    stream.seek(offset)
    return stream.read(size)
