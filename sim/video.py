"""Reading videos: the frames of any file that FFmpeg knows become uint8 sRGB ``[H, W, 3]``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MissingExtra
from .images import MAX_PIXELS, MAX_SIDE, Fit, fit_image, image_files, input_file, read_image
from .notes import note
from .video_extent import Extent, video_extent

__all__ = ["read_frames"]

TURN_FRAMES = 100
"""Frames of the built-in videos: one turn."""


def read_frames(
    path: str | Path, *, size: tuple[int, int] | None = None, fit: Fit = "cover", max_frames: int | None = None
) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video's first video stream, in order of presentation, turned upright.

    Frames that the decoder calls damaged are left out. At the end, what came is held against what the file states, and
    its length against what its container states; a note tells of what is missing where that is no error.

    Args:
        path: The file; a local one, never an address. ``builtin:pan``: a window that wanders over a photograph;
            ``builtin:overlay``: a photograph that wanders over another, which stands still. These two need neither a
            file nor PyAV.
        size: Height and width wanted, in pixels; ``None`` keeps the video's own.
        fit: How a frame comes to that size.
        max_frames: Stop after so many frames; ``None`` reads to the end.

    Raises:
        MissingExtra: PyAV is not installed.
        InputError: The file is missing, empty, not a video, without a video stream, or beyond the bounds that hold for
            pictures; or it is damaged or cut, which may show after its last whole frame.
    """
    if str(path) in _BUILT_IN:
        astronaut = read_image(image_files("builtin:astronaut")[0])
        at_place = _BUILT_IN[str(path)]
        for number in range(TURN_FRAMES if max_frames is None else min(max_frames, TURN_FRAMES)):
            angle = 2 * math.pi * number / TURN_FRAMES
            frame = at_place(astronaut, (1 - math.cos(angle)) / 2, (1 + math.sin(angle)) / 2)
            yield fit_image(frame, size, fit, name=f"{path}, frame {number}")
        return
    try:
        import av
    except ImportError:
        raise MissingExtra("sources/video", "av", "video") from None
    place = input_file(Path(path).expanduser(), "video")
    number = 0
    try:
        with av.open(f"file:{place}", metadata_errors="replace") as container:
            stream = _video_stream(container, path)
            for frame in container.decode(stream):
                if max_frames is not None and number >= max_frames:
                    return
                if frame.is_corrupt:
                    continue
                turned = np.rot90(frame.to_ndarray(format="rgb24"), k=round(frame.rotation / 90))
                yield fit_image(np.ascontiguousarray(turned), size, fit, name=f"{path}, frame {number}")
                number += 1
            extent = video_extent(place)
            stated = _stated_frames(container, stream, extent)
    except InputError:
        raise
    except Exception as error:  # FFmpeg's own errors, and what PyAV makes of a file that is cut within its header
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        where = "expected a video" if number == 0 else f"the video is damaged after frame {number - 1}"
        raise InputError(f"{path}: {where}: {reason}") from None
    _compare(path, number, stated, extent)


def _video_stream(container: Any, path: str | Path) -> Any:
    """The first video stream, once it is known to have a size, and one within the bounds."""
    if not container.streams.video:
        raise InputError(f"{path}: expected a video, got a file without a video stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise InputError(f"{path}: expected a video, got a stream of a kind that FFmpeg does not know")
    if max(stream.width, stream.height) > MAX_SIDE or stream.width * stream.height > MAX_PIXELS:
        raise InputError(
            f"{path}: expected at most {MAX_SIDE} pixels a side and {MAX_PIXELS} in all, "
            f"got {stream.width} x {stream.height}: scale it down first"
        )
    stream.thread_type = "AUTO"
    return stream


def _stated_frames(container: Any, stream: Any, extent: Extent) -> int:
    """Matroska states a duration, if that of its longest track; of other containers FFmpeg guesses it."""
    if stream.frames and container.format.name != "gif":  # of that, FFmpeg counts what is there
        return int(stream.frames)
    if extent != "cut" or "matroska" not in container.format.name or not container.duration or not stream.average_rate:
        return 0
    return int(container.duration * stream.average_rate / 1_000_000 + Fraction(1, 2))


def _compare(path: str | Path, came: int, stated: int, extent: Extent) -> None:
    says = f"it states {stated} frames" if stated else "it does not state how many frames it has"
    if extent == "cut":
        message = f"{path}: the file is cut: {says}, and {came} came"
        if came == 0 or came < stated or not stated:
            raise InputError(message)
        note(message)
    elif came == 0:
        raise InputError(f"{path}: expected a video, got a stream without a frame")
    elif came < stated or (not stated and extent == "unstated"):
        note(f"{path}: {says}, and {came} came")


def _pan(astronaut: NDArray[np.uint8], down: float, right: float) -> NDArray[np.uint8]:
    """A camera that pans over the astronaut: half the photograph's height, on an ellipse, back where it began."""
    height, width = astronaut.shape[0] // 2, astronaut.shape[1] // 2
    top, left = round((astronaut.shape[0] - height) * down), round((astronaut.shape[1] - width) * right)
    return np.ascontiguousarray(astronaut[top : top + height, left : left + width])


def _overlay(astronaut: NDArray[np.uint8], down: float, right: float) -> NDArray[np.uint8]:
    """The astronaut stands still; a cat of a quarter of her height goes round on an ellipse."""
    picture, cat = astronaut.copy(), _cat()
    height, width = cat.shape[:2]
    top, left = round((picture.shape[0] - height) * down), round((picture.shape[1] - width) * right)
    picture[top : top + height, left : left + width] = cat
    return picture


@cache
def _cat() -> NDArray[np.uint8]:
    return fit_image(read_image(image_files("builtin:chelsea")[0]), (128, 192), "cover", name="builtin:chelsea")


_BUILT_IN: dict[str, Callable[[NDArray[np.uint8], float, float], NDArray[np.uint8]]] = {
    "builtin:pan": _pan,
    "builtin:overlay": _overlay,
}
"""Of the astronaut and how far down and how far right to go, 0 to 1 each."""
