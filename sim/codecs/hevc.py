"""HEVC intra: one picture by x265, 4:4:4 with 10 bits, the tools that BPG is made of; through PyAV."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError
from .hevc_frames import FORMAT, coding_tree_block, frame_of, import_av, max_pixels, padded_sides, picture_of
from .hevc_syntax import NAL_PPS, NAL_SPS, NAL_VPS, NalUnit, luma_size, nal_units, slice_qp
from .rate_search import Knob

__all__ = ["Hevc"]

QP_STEPS = 16  # of the knob, to one step of the quantisation parameter
_HIGHEST_QP = 51
_IDR = (19, 20)

# psy-rd and psy-rdoq pay PSNR for looks. The little adaptive quantisation (0.15) spreads the coding units over two
# neighbouring QPs, so that a fractional QP means something: without it x265 rounds the frame's QP, and a step is 12 %
# of the file. What the parameter sets hold (sao, tskip, signhide, depths, amp) is fixed here, whatever the preset.
_PARAMETERS = (
    "log-level=none:pools=none:frame-threads=1:wpp=0:info=0:keyint=1:bframes=0:rc-lookahead=0:cutree=0"
    ":psy-rd=0:psy-rdoq=0:aq-mode=1:aq-strength=0.15:sao=1:tskip=0:signhide=1:rect=0:amp=0"
    ":tu-intra-depth=1:tu-inter-depth=1:ref=1:min-cu-size=8"
)


@dataclass(frozen=True)
class Hevc:
    """HEVC intra coder.

    Attributes:
        preset: Of x265: how long it looks for the best choice.
        parameter_sets: ``sent``: a raw byte stream (Annex B) with its parameter sets, some 80 bytes. ``agreed``: both
            ends make them from the picture's size with the same x265, and the slice alone is the file.

    Source: ITU-T H.265; https://x265.readthedocs.io for what the parameters mean.
    """

    preset: str = "slow"
    parameter_sets: Literal["sent", "agreed"] = "sent"

    def knob(self, height: int, width: int) -> Knob:
        """QP 51 to 0 in sixteenths.

        Args:
            height: Of the picture, pixels.
            width: Of the picture, pixels.
        """
        return Knob(0, _HIGHEST_QP * QP_STEPS, QP_STEPS, per_octave=6.5 * QP_STEPS, at_one_bpp=26 * QP_STEPS)

    def setting_at(self, qp: float) -> int:
        """The knob's setting of a QP, to a sixteenth.

        Args:
            qp: 0 to 51.
        """
        return round((_HIGHEST_QP - qp) * QP_STEPS)

    def check(self) -> None:
        """Import PyAV, and find x265 in it.

        Raises:
            MissingExtra: PyAV is not installed, or has no libx265.
        """
        if "libx265" not in import_av().codecs_available:
            raise MissingExtra("codec hevc", "av with libx265", "links")

    def version(self) -> str:
        """Name PyAV, whose wheel brings x265: of another version files may differ."""
        return f"PyAV {import_av().__version__}"

    def encode(self, picture: NDArray[np.uint8], setting: int) -> bytes:
        """Code a picture at QP ``51 - setting / 16``.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.
            setting: 0 to 816.

        Raises:
            SignalError: x265 refuses the picture.
            MissingExtra: PyAV is not installed.
        """
        stream = _stream(picture, _HIGHEST_QP - setting / QP_STEPS, self.preset)
        if self.parameter_sets == "sent":
            return stream
        agreed = _agreed(self.preset, *picture.shape[:2])
        if not stream.startswith(agreed):
            raise SignalError("codec hevc: expected the agreed parameter sets from x265, got others; use sent")
        return stream[len(agreed) :]

    def decode(self, data: bytes, height: int, width: int) -> NDArray[np.uint8]:
        """Decode a file that a channel may have damaged.

        Args:
            data: The file, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not one intra picture of this size, or damaged.
            MissingExtra: PyAV is not installed.
        """
        av = import_av()
        rows, columns = padded_sides(height, width)
        stream, units = self._units(data, height, width)
        if luma_size(units[1].payload) != (rows, columns):
            raise SignalError(f"codec hevc: expected a stream of {rows} x {columns}, got another size")
        context = av.CodecContext.create("hevc", "r")
        context.thread_count = 1
        context.options = {"err_detect": "explode", "max_pixels": str(max_pixels(rows, columns))}
        try:
            frames = [*context.decode(av.Packet(stream)), *context.decode(None)]
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            raise SignalError(f"codec hevc: the stream is damaged: {error}") from None
        if len(frames) != 1:
            raise SignalError("codec hevc: the stream is damaged: expected one whole picture")
        return picture_of(frames[0], height, width)

    def qp(self, data: bytes, height: int, width: int) -> int:
        """Quantisation parameter of a file, rounded: its coding units may differ by one.

        Args:
            data: The file, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not one intra picture, or its head is damaged.
            MissingExtra: PyAV is not installed.
        """
        units = self._units(data, height, width)[1]
        return slice_qp(units[2].payload, units[3].payload)

    def _units(self, data: bytes, height: int, width: int) -> tuple[bytes, list[NalUnit]]:
        """Return a file as a whole stream, and the four units of it."""
        stream = data.rstrip(b"\0")  # the last byte of a slice has its stop bit
        if self.parameter_sets == "agreed":
            stream = _agreed(self.preset, height, width) + stream
        units = nal_units(stream)
        kinds = [unit.kind for unit in units]
        if kinds[:3] != [NAL_VPS, NAL_SPS, NAL_PPS] or len(kinds) != 4 or kinds[3] not in _IDR:
            raise SignalError(f"codec hevc: expected VPS, SPS, PPS and one intra slice, got NAL units {kinds[:8]}")
        return stream, units

    def container_bytes(self, data: bytes) -> int:
        """Count all but the slice.

        Args:
            data: An undamaged file.
        """
        if self.parameter_sets == "agreed":
            return 0
        return data.index(nal_units(data)[-1].payload)


@lru_cache(maxsize=64)
def _agreed(preset: str, height: int, width: int) -> bytes:
    """Parameter sets and the start code of the slice: a grey picture's, which are those of any of this size."""
    grey = np.full((height, width, 3), 128, np.uint8)
    stream = _stream(grey, 40.0, preset)
    return stream[: stream.index(nal_units(stream)[-1].payload)]


def _stream(picture: NDArray[np.uint8], qp: float, preset: str) -> bytes:
    av = import_av()
    height, width = padded_sides(*picture.shape[:2])
    context = av.CodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = width, height, FORMAT
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25, 1)
    context.thread_count = 1
    # x265 cuts the CRF of a first frame to a whole number; the ratio of I frames it takes as it is
    crf = int(qp)
    context.options = {
        "preset": preset,
        "x265-params": f"{_PARAMETERS}:ctu={coding_tree_block(height, width)}"
        f":crf={crf}:ipratio={2.0 ** ((crf - qp) / 6):.9f}",
    }
    try:
        packets = [*context.encode(frame_of(picture)), *context.encode(None)]
    except av.error.FFmpegError as error:
        raise SignalError(f"codec hevc: x265 refuses a picture of {height} x {width}: {error.strerror}") from None
    return b"".join(bytes(packet) for packet in packets)
