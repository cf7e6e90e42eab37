"""Pictures as frames of libx265 and of FFmpeg's decoder: 4:4:4 with 10 bits, padded to what x265 takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError
from .ycbcr import rgb_to_ycbcr, ycbcr_to_rgb

__all__ = ["FORMAT", "coding_tree_block", "frame_of", "import_av", "max_pixels", "padded_sides", "picture_of"]

FORMAT = "yuv444p10le"
_BIT_DEPTH = 10
_SMALLEST_SIDE = 16  # of what x265 takes; smaller pictures are padded
_LONG_SIDE = 4222  # beyond it a stream is of level 5 or more, whose coding tree blocks have 32 pixels or more


def import_av() -> Any:
    """PyAV.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import av
    except ModuleNotFoundError:
        raise MissingExtra("codec hevc", "av", "links") from None
    return av


def padded_sides(height: int, width: int) -> tuple[int, int]:
    """Sides of the coded picture: multiples of 8 that x265 takes.

    Args:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
    """
    rows, columns = (-(-side // 8) * 8 for side in (height, width))
    least = _SMALLEST_SIDE if max(rows, columns) <= _LONG_SIDE else 2 * _SMALLEST_SIDE
    return max(rows, least), max(columns, least)


def coding_tree_block(height: int, width: int) -> int:
    """The largest coding tree block that a coded picture holds, pixels.

    Args:
        height: Of the coded picture, pixels.
        width: Of the coded picture, pixels.
    """
    side = min(height, width)
    return 64 if side >= 64 else 32 if side >= 32 else 16


def max_pixels(height: int, width: int) -> int:
    """What FFmpeg's decoder may allocate: it counts rows of its buffer, which end at multiples of 64.

    Args:
        height: Of the coded picture, pixels.
        width: Of the coded picture, pixels.
    """
    return height * (width + 64) + (1 << 16)


def frame_of(picture: NDArray[np.uint8], number: int = 0) -> Any:
    """Make a frame, padded by the picture's edge.

    Args:
        picture: uint8 sRGB ``[H, W, 3]``.
        number: Its time stamp.
    """
    height, width = picture.shape[:2]
    rows, columns = padded_sides(height, width)
    extra = (0, rows - height), (0, columns - width), (0, 0)
    padded = np.pad(picture, extra, mode="edge") if any(after for _, after in extra) else picture
    frame = import_av().VideoFrame(columns, rows, FORMAT)
    for plane, values in zip(frame.planes, rgb_to_ycbcr(padded, _BIT_DEPTH), strict=True):
        _plane(plane, rows)[:, :columns] = values
    frame.pts = number
    return frame


def picture_of(frame: Any, height: int, width: int) -> NDArray[np.uint8]:
    """The picture that a decoded frame holds.

    Args:
        frame: Of FFmpeg's decoder.
        height: Of the picture, pixels.
        width: Of the picture, pixels.

    Raises:
        SignalError: it is not such a frame.
    """
    rows, columns = padded_sides(height, width)
    if (frame.height, frame.width) != (rows, columns) or frame.is_corrupt:
        raise SignalError("codec hevc: the stream is damaged: expected one whole picture")
    if frame.format.name != FORMAT:
        raise SignalError(f"codec hevc: expected 4:4:4 with 10 bits, got {frame.format.name}")
    planes = np.stack([_plane(plane, rows)[:height, :width] for plane in frame.planes])
    return ycbcr_to_rgb(planes, _BIT_DEPTH)


def _plane(plane: Any, height: int) -> NDArray[np.uint16]:
    return np.frombuffer(plane, np.uint16).reshape(height, -1)[:, : plane.width]
