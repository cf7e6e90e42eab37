"""Numbers of a video's frames, which its header fields hold in eight bits."""

from __future__ import annotations

__all__ = ["FIRST_FRAME", "frame_after", "frames_missing"]

FIRST_FRAME = 0
"""Number of a frame before which there is none."""
_NUMBERS = 255


def frame_after(number: int) -> int:
    """Number of the frame after one: 1 to 255 by turns.

    Example:
        >>> [frame_after(number) for number in (FIRST_FRAME, 1, 254, 255)]
        [1, 2, 255, 1]
    """
    return number % _NUMBERS + 1


def frames_missing(last: int, now: int) -> int:
    """How many frames never came between two that came; none where a video begins anew, or one came twice.

    Example:
        >>> [frames_missing(*pair) for pair in ((3, 4), (3, 6), (254, 2), (9, FIRST_FRAME), (9, 9))]
        [0, 2, 2, 0, 0]
    """
    return 0 if now in (FIRST_FRAME, last) else (now - last - 1) % _NUMBERS
