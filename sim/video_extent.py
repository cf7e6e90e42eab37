"""Whether a video file is as long as its container says: a file that is cut plays on in silence, up to the cut."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Literal

__all__ = ["Extent", "video_extent"]

Extent = Literal["whole", "cut", "unstated"]

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_FIRST_BOXES = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx"}


def video_extent(path: Path) -> Extent:
    """Hold the length of a file against what its container states: MP4 and its kin, Matroska and WebM, AVI, GIF.

    ``unstated``: other containers (a transport stream, a raw stream) and live recordings do not say how long they are.

    Args:
        path: The file.

    Source: ISO/IEC 14496-12, section 4.2 (boxes); RFC 8794, section 4 (EBML); RFC 9559, section 5.1 (segment); GIF89a.
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[4:8] in _FIRST_BOXES:
            return _of_boxes(file, length)
        if head.startswith(_EBML):
            return _of_segment(file, length)
        if head.startswith((b"GIF87a", b"GIF89a")):
            return _of_gif(file)
    if head.startswith(b"RIFF") and len(head) == 12:
        return "cut" if 8 + int.from_bytes(head[4:8], "little") > length else "whole"
    return "unstated"


def _of_boxes(file: BinaryIO, length: int) -> Extent:
    """Each box states its length, and one follows another up to the end; a length of 0 means up to the end."""
    at = 0
    while at < length:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big") if len(head) >= 8 else length
        if size == 1:
            size = int.from_bytes(head[8:], "big")
        if size == 0:
            break
        if size < 8 or at + size > length:
            return "cut"
        at += size
    return "whole"


def _of_gif(file: BinaryIO) -> Extent:
    """Blocks, and a trailer at the end."""
    file.seek(10)
    _skip_colours(file, file.read(1), behind=2)
    while (kind := file.read(1)) in (b"!", b","):
        if kind == b",":
            file.seek(8, 1)
            _skip_colours(file, file.read(1), behind=0)
        file.seek(1, 1)  # an extension's label, or the least size of the codes
        while size := file.read(1):
            if size == b"\0":
                break
            file.seek(size[0], 1)
    return "cut" if not kind else "whole"


def _skip_colours(file: BinaryIO, flags: bytes, *, behind: int) -> None:
    """Go past the rest of a descriptor and the table of colours that its flags announce."""
    table = 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0
    file.seek(behind + table, 1)


def _of_segment(file: BinaryIO, length: int) -> Extent:
    """A header, and the segment, which is all the rest."""
    file.read(len(_EBML))
    header = _ebml_size(file)
    if header is None:
        return "cut"
    file.seek(header, 1)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return "cut" if file.tell() >= length else "unstated"
    size = _ebml_size(file)
    if size is None:
        return "cut" if file.tell() >= length else "unstated"
    return "cut" if file.tell() + size > length else "whole"


def _ebml_size(file: BinaryIO) -> int | None:
    """A number of 1 to 8 bytes, of which the first says how many; ``None`` where it is unknown, or not whole."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    value = int.from_bytes(first + rest, "big") & ((1 << 7 * (more + 1)) - 1)
    return None if len(rest) < more or value == (1 << 7 * (more + 1)) - 1 else value
