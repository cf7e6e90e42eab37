"""JPEGs that lack their end: a file cut by a few bytes shows its picture in other programs, and does so here."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_cut_jpeg"]

_END = b"\xff\xd9"
_LEAST_LOST = 320  # pixels: a block of 16 x 16 and its edge
_FILLERS = [np.random.default_rng(seed).integers(0, 255, 4096, np.uint8).tobytes() for seed in range(3)]  # never 0xff


def read_cut_jpeg(data: bytes) -> tuple[bytes, int] | None:
    """Mend a JPEG whose end is missing, if hardly a pixel hangs on what is missing.

    It is decoded with this and that in place of the missing: where the results differ, pixels are lost. Up to a 64th of
    the picture may be, and of a small picture one block, if that is no more than a quarter.

    Args:
        data: The file.

    Returns:
        The file with an end, and the number of pixels lost; ``None`` where more is missing.
    """
    data = data.rstrip(b"\xff")
    if not _every_scan_begun(data):
        return None
    mended = _pixels(data + _END)
    lost = int(np.any([_pixels(data + filler + _END) != mended for filler in _FILLERS], axis=(0, 3)).sum())
    area = mended.shape[0] * mended.shape[1]
    return None if lost > max(area // 64, min(_LEAST_LOST, area // 4)) else (data + _END, lost)


def _pixels(data: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        values = np.asarray(picture)
    return values.reshape(*values.shape[:2], -1)


def _every_scan_begun(data: bytes) -> bool:
    """Every coefficient of every component has a scan that gives its last bit: else the rest would be blurred."""
    known: dict[int, set[int]] = {}
    at = data.find(b"\xff")
    while 0 <= at < len(data) - 3:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # stuffing, or a marker without a segment
            at = data.find(b"\xff", at + (1 if marker == 0xFF else 2))
            continue
        segment = data[at + 4 : at + 2 + length]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # the frame: its components
            known = {number: set() for number in segment[6::3]}
        elif marker == 0xDA and len(segment) == length - 2:  # a scan
            count = segment[0]
            first, last, bits = segment[1 + 2 * count : 4 + 2 * count]
            for number in segment[1 : 1 + 2 * count : 2] if bits & 15 == 0 else b"":
                known.setdefault(number, set()).update(range(first, last + 1))
        at = data.find(b"\xff", at + 2 + length)
    return bool(known) and all(coefficients >= set(range(64)) for coefficients in known.values())
