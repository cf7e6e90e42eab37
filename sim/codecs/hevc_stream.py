"""HEVC with low delay: a video by x265 at a bound of bytes a picture, each picture out before the next goes in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError
from .hevc_frames import FORMAT, coding_tree_block, frame_of, import_av, max_pixels, padded_sides, picture_of
from .hevc_syntax import NAL_SPS, luma_size, nal_units

__all__ = ["CodedFrame", "HevcStreamDecoder", "HevcStreamEncoder", "check_x265"]

_FRAMES_PER_S = 25  # of the rate control, which knows bits a second; only bytes a picture matter
_PARAMETERS = (
    "log-level=none:pools=none:frame-threads=1:wpp=0:info=0:scenecut=0:open-gop=0:bframes=0:rc-lookahead=0:cutree=0"
    ":psy-rd=0:psy-rdoq=0:aq-mode=0:ref=1:min-cu-size=8:repeat-headers=1"
)
# Of what a picture may have. x265 keeps its buffer rather more than it should, and the better the more rows of coding
# tree blocks there are: at these its pictures take 0.7 to 1 of the bytes, and few more than all of them.
_RATE, _BUFFER = 1.1, 0.8
_ROWS = 9  # of coding tree blocks, if they can be smaller


class CodedFrame(NamedTuple):
    """A picture of the stream.

    Attributes:
        data: Annex B; with parameter sets, if a decoder may begin here.
        key: A decoder may begin here.
    """

    data: bytes
    key: bool


def check_x265() -> None:
    """Import PyAV, and find x265 in it.

    Raises:
        MissingExtra: PyAV is not installed, or has no libx265.
    """
    if "libx265" not in import_av().codecs_available:
        raise MissingExtra("codec hevc", "av with libx265", "links")


class HevcStreamEncoder:
    """Codes the pictures of a video, each from the one before, without B pictures and without looking ahead.

    Args:
        height: Of the pictures, pixels.
        width: Of the pictures, pixels.
        bytes_a_picture: What the rate control aims below; a picture may exceed it, now and then.
        key_pictures: Each that many is one that a decoder may begin at (IDR).
        preset: Of x265.

    Raises:
        MissingExtra: PyAV is not installed.
    """

    def __init__(self, height: int, width: int, bytes_a_picture: int, key_pictures: int, preset: str) -> None:
        self._number = 0
        rows, columns = padded_sides(height, width)
        kilobits = 8 * bytes_a_picture / 1000
        block = min(coding_tree_block(rows, columns), 32 if min(rows, columns) >= 32 * _ROWS else 16)
        self._context = import_av().CodecContext.create("libx265", "w")
        self._context.width, self._context.height, self._context.pix_fmt = columns, rows, FORMAT
        self._context.time_base, self._context.framerate = Fraction(1, _FRAMES_PER_S), Fraction(_FRAMES_PER_S, 1)
        self._context.thread_count = 1
        rate = max(_RATE * kilobits * _FRAMES_PER_S, 1)
        self._context.bit_rate = round(1000 * rate)
        self._context.options = {
            "preset": preset,
            "x265-params": f"{_PARAMETERS}:ctu={block}:keyint={key_pictures}"
            f":min-keyint={key_pictures}:bitrate={rate:.0f}:vbv-maxrate={rate:.0f}"
            f":vbv-bufsize={max(_RATE * _BUFFER * kilobits, 1):.0f}:vbv-init=1",
        }

    def encode(self, picture: NDArray[np.uint8]) -> CodedFrame:
        """Code the next picture.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.

        Raises:
            SignalError: x265 refuses the picture, or keeps it back.
        """
        height, width = picture.shape[:2]
        try:
            packets = self._context.encode(frame_of(picture, self._number))
        except import_av().error.FFmpegError as error:
            raise SignalError(f"codec hevc: x265 refuses a picture of {height} x {width}: {error.strerror}") from None
        if len(packets) != 1:
            raise SignalError(f"codec hevc: expected x265 to give one picture for one, got {len(packets)}")
        self._number += 1
        return CodedFrame(bytes(packets[0]).rstrip(b"\0"), bool(packets[0].is_keyframe))


class HevcStreamDecoder:
    """Decodes what `HevcStreamEncoder` made; after a loss it begins anew at the next key picture.

    Args:
        height: Of the pictures, pixels.
        width: Of the pictures, pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self._sides = height, width
        self._context: Any = None

    def lose(self) -> None:
        """Forget all pictures: what follows is of no use up to the next key picture."""
        self._context = None

    def decode(self, data: bytes, *, key: bool) -> NDArray[np.uint8] | None:
        """Decode a picture; ``None`` if those before it are not there, or it is damaged.

        Args:
            data: Annex B.
            key: A decoder may begin here.

        Returns:
            uint8 sRGB ``[H, W, 3]``.

        Raises:
            MissingExtra: PyAV is not installed.
        """
        av = import_av()
        rows, columns = padded_sides(*self._sides)
        if self._context is None:
            if not key:
                return None
            self._context = av.CodecContext.create("hevc", "r")
            self._context.thread_count = 1
            self._context.flags |= av.codec.context.Flags.low_delay
            options = {"err_detect": "explode", "max_pixels": str(max_pixels(rows, columns))}
            self._context.options = options
        try:
            if any(luma_size(unit.payload) != (rows, columns) for unit in nal_units(data) if unit.kind == NAL_SPS):
                raise SignalError(f"codec hevc: expected a stream of {rows} x {columns}, got another size")
            (frame,) = self._context.decode(av.Packet(data))
            return picture_of(frame, *self._sides)
        except (av.error.FFmpegError, SignalError, ValueError, MemoryError):  # ValueError: not one picture, too
            self.lose()
            return None
