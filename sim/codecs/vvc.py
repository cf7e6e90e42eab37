"""VVC intra: one picture by vvenc, 4:2:0 with 10 bits; `ffmpeg` of the package imageio-ffmpeg as a child process."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError, UsageError
from .rate_search import Knob
from .ycbcr import rgb_to_ycbcr, ycbcr_to_rgb

__all__ = ["QP_STEPS", "Vvc"]

_PRESETS = ("faster", "fast", "medium", "slow", "slower")
QP_STEPS = 8  # of the knob, to one step of the quantisation parameter
_HIGHEST_QP = 60
_INTRA_OFFSET = 3  # vvenc codes an intra picture so much finer than it is told
_BIT_DEPTH = 10
_LAMBDA_OF_HALF_A_QP = 1.2  # files of QP n and of n + 1 meet where lambda is that much more and less than vvenc's own
_SMALLEST_SIDE = 32  # of what vvenc codes well at every preset; smaller pictures are padded
_LARGEST_SIDE, _MOST_PIXELS = 25328, 80216064  # of level 6.3; ffmpeg reads no more
_NO_ROOM, _ALWAYS_ROOM_QP = "Error submitting video frame to the encoder", 36
_SECONDS_TO_START = 60.0
# Full-size PSNR of RGB pays for chroma more than vvenc thinks, the more so since it has half the sides: on crops of
# training photographs these offsets are worth 0.2 dB.
_CB_QP_OFFSET, _CR_QP_OFFSET = -3, -2
_NAL_SPS, _NAL_PPS, _NAL_PREFIX_APS, _NAL_AUD, _IDR = 15, 16, 17, 20, (7, 8)


@dataclass(frozen=True)
class Vvc:
    """VVC intra coder.

    Attributes:
        preset: Of vvenc: how long it looks for the best choice.
        parameter_sets: ``sent``: a raw byte stream (Annex B) with its parameter sets, some 60 bytes. ``agreed``: both
            ends make them from the picture's size and the preset with the same vvenc; a byte tells the preset.
        timeout_s: Seconds after which a child process is given up.

    Source: ITU-T H.266; https://github.com/fraunhoferhhi/vvenc for what the parameters mean.
    """

    preset: str = "medium"
    parameter_sets: Literal["sent", "agreed"] = "sent"
    timeout_s: float = 600.0

    def knob(self, height: int, width: int) -> Knob:
        """QP 60 to 0 in eighths.

        Args:
            height: Of the picture, pixels.
            width: Of the picture, pixels.
        """
        return Knob(0, _HIGHEST_QP * QP_STEPS, QP_STEPS, per_octave=6.0 * QP_STEPS, at_one_bpp=37 * QP_STEPS)

    def setting_at(self, qp: float) -> int:
        """The knob's setting of a QP, to an eighth.

        Args:
            qp: 0 to 60.
        """
        return round((_HIGHEST_QP - qp) * QP_STEPS)

    def check(self) -> None:
        """Find ffmpeg, and vvenc in it.

        Raises:
            MissingExtra: imageio-ffmpeg is not installed.
            UsageError: its ffmpeg has no libvvenc.
        """
        _program()

    def version(self) -> str:
        """Name imageio-ffmpeg and its ffmpeg, which brings vvenc: of another version files may differ."""
        import imageio_ffmpeg

        _program()
        return f"imageio-ffmpeg {imageio_ffmpeg.__version__}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}"

    def encode(self, picture: NDArray[np.uint8], setting: int) -> bytes:
        """Code a picture at QP ``60 - setting / 8``; between whole QPs by the Lagrangian multiplier.

        A file has at most a byte a pixel: where that is too little, the QP is the next even one that does.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.
            setting: 0 to 480.

        Raises:
            SignalError: the picture is too large, vvenc refuses it, or takes too long.
            MissingExtra: imageio-ffmpeg is not installed.
            UsageError: its ffmpeg has no libvvenc, or does not start.
        """
        qp = _HIGHEST_QP - setting / QP_STEPS
        stream = None
        while stream is None:
            try:
                stream = self._stream(picture, qp)
            except SignalError as error:  # ffmpeg gives vvenc so much room, and no reason when it is full
                if _NO_ROOM not in str(error) or qp >= _ALWAYS_ROOM_QP:
                    raise
                qp = 2.0 * (qp // 2 + 1)
        if self.parameter_sets == "sent":
            return stream
        agreed = _agreed(self, *picture.shape[:2])
        if not stream.startswith(agreed):
            raise SignalError("codec vvc: expected the agreed parameter sets from vvenc, got others; use sent")
        return bytes([_PRESETS.index(self.preset)]) + stream[len(agreed) :]

    def decode(self, data: bytes, height: int, width: int) -> NDArray[np.uint8]:
        """Decode a file that a channel may have damaged.

        Args:
            data: The file, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not one intra picture of this size, or damaged.
            MissingExtra: imageio-ffmpeg is not installed.
            UsageError: its ffmpeg has no libvvenc, or does not start.
        """
        rows, columns = _padded_sides(height, width)
        stream = self._whole(data, height, width)
        # it counts rows of its buffer, which end at multiples of 64
        most = min(rows * (columns + 64) + (1 << 16), 2**31 - 1)
        said, raw = self._run(
            *("-err_detect", "explode", "-max_pixels", str(most), "-f", "vvc", "-i", "-"),
            *("-fps_mode", "passthrough", "-pix_fmt", "yuv420p10le", "-strict", "-1", "-f", "yuv4mpegpipe", "-"),
            given=stream,
        )
        head = re.match(rb"YUV4MPEG2 W%d H%d [^\n]*\nFRAME\n" % (columns, rows), raw)
        if head is None or len(raw) - head.end() != rows * columns * 3:
            raise SignalError(
                f"codec vvc: expected one picture of {rows} x {columns}, got another or none; ffmpeg said: {said}"
            )
        values = np.frombuffer(raw, "<u2", offset=head.end())
        luma, chroma = values[: rows * columns].reshape(rows, columns), values[rows * columns :]
        planes = [luma, *(_doubled(plane) for plane in chroma.reshape(2, rows // 2, columns // 2))]
        return ycbcr_to_rgb(np.stack([plane[:height, :width] for plane in planes]), _BIT_DEPTH)

    def qp(self, data: bytes, height: int, width: int) -> int:
        """Quantisation parameter of a file, whole: what vvenc's multiplier adds to it is not told.

        Args:
            data: The file, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not one intra picture, or its head is damaged.
            MissingExtra: imageio-ffmpeg is not installed.
            UsageError: its ffmpeg has no libvvenc, or does not start.
        """
        stream = self._whole(data, height, width)
        arguments = ("-f", "vvc", "-i", "-", "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-")
        said, _ = self._run(*arguments, given=stream, loglevel="info")
        found = [re.search(rf"\b{name}\b[^\n]*= (-?\d+)\s*$", said, re.M) for name in _QP_FIELDS]
        if not any(found[1:]):
            raise SignalError("codec vvc: the stream is damaged: its head tells no QP")
        return 26 + sum(int(match[1]) for match in found if match)

    def container_bytes(self, data: bytes) -> int:
        """Count all but the picture and its filters' parameters.

        Args:
            data: An undamaged file.
        """
        if self.parameter_sets == "agreed":
            return 1
        return len(_head(data))

    def _whole(self, data: bytes, height: int, width: int) -> bytes:
        """Return a file as a whole stream of one picture."""
        stream = data.rstrip(b"\0")  # the last byte of a slice has its stop bit
        if self.parameter_sets == "agreed":
            if not data or data[0] >= len(_PRESETS):
                raise SignalError("codec vvc: the file is damaged: its first byte names no preset")
            stream = _agreed(replace(self, preset=_PRESETS[data[0]]), height, width) + stream[1:]
        kinds = [kind for _, kind in _nal_units(stream)]
        inner = kinds[:-1]
        if not kinds or kinds[-1] not in _IDR or set(inner) - {_NAL_AUD, _NAL_SPS, _NAL_PPS, _NAL_PREFIX_APS}:
            raise SignalError(f"codec vvc: expected parameter sets and one intra slice, got NAL units {kinds[:8]}")
        return stream

    def _stream(self, picture: NDArray[np.uint8], qp: float) -> bytes:
        height, width = picture.shape[:2]
        rows, columns = _padded_sides(height, width)
        padded = np.pad(picture, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")
        luma, *chroma = rgb_to_ycbcr(padded, _BIT_DEPTH)
        raw = b"".join(plane.astype("<u2").tobytes() for plane in (luma, *map(_halved, chroma)))
        whole = min(max(round(qp), 0), _HIGHEST_QP)
        offsets = "".join(
            f":{name}={value}{f':{name}DualTree={value}'}"
            for name, value in (("CbQpOffset", _CB_QP_OFFSET), ("CrQpOffset", _CR_QP_OFFSET))
        )
        multiplier = _LAMBDA_OF_HALF_A_QP ** (2 * (qp - whole))
        with TemporaryDirectory(prefix="semcom-vvc-") as folder:  # vvenc writes its warnings to stdout
            file = Path(folder, "picture.vvc")
            said, _ = self._run(
                *("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", f"{columns}x{rows}", "-r", "1", "-i", "-"),
                *("-c:v", "libvvenc", "-preset", self.preset, "-qp", str(whole + _INTRA_OFFSET), "-qpa", "0"),
                *("-vvenc-params", f"threads=1:verbosity=0:LambdaModifierI={multiplier:.6f}{offsets}"),
                *("-f", "vvc", str(file)),
                given=raw,
            )
            stream = file.read_bytes() if file.exists() else b""
        if not stream:
            raise SignalError(f"codec vvc: vvenc refuses a picture of {height} x {width}: {said}")
        return stream

    def _run(self, *arguments: str, given: bytes, loglevel: str = "error") -> tuple[str, bytes]:
        """Run ffmpeg; what it said, and what it wrote."""
        quiet = ("-hide_banner", "-nostdin", "-loglevel", f"level+{loglevel}")
        command = [_program(), *quiet, "-threads", "1", *arguments]
        try:
            done = subprocess.run(command, input=given, capture_output=True, timeout=self.timeout_s, check=False)
        except subprocess.TimeoutExpired:
            raise SignalError(f"codec vvc: ffmpeg took more than {self.timeout_s:g} s") from None
        except OSError as error:
            raise UsageError(f"codec vvc: expected imageio-ffmpeg to have an ffmpeg that runs: {error}") from None
        said = done.stderr.decode(errors="replace")
        if done.returncode:
            raise SignalError(f"codec vvc: ffmpeg ended with code {done.returncode} and said: {_complaint(said)}")
        return said if loglevel == "info" else _complaint(said), done.stdout


_QP_FIELDS = ("pps_init_qp_minus26", "ph_qp_delta", "sh_qp_delta")


def _complaint(said: str) -> str:
    found = re.search(r"\[(?:error|fatal|panic)\] (.*)", said)
    return found[1].strip()[:200] if found else "nothing"


@lru_cache(maxsize=1)
def _program() -> str:
    try:
        import imageio_ffmpeg
    except ModuleNotFoundError:
        raise MissingExtra("codec vvc", "imageio-ffmpeg", "links") from None
    try:
        found: str = imageio_ffmpeg.get_ffmpeg_exe()
        asked = [found, "-hide_banner", "-h", "encoder=libvvenc"]
        done = subprocess.run(
            asked, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS_TO_START, check=False
        )
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"codec vvc: expected imageio-ffmpeg to have an ffmpeg that runs: {error}") from None
    if b"Encoder libvvenc" not in done.stdout:
        raise UsageError(
            f"codec vvc: expected an ffmpeg with libvvenc, got {found}; unset IMAGEIO_FFMPEG_EXE, or install "
            "imageio-ffmpeg 0.8 or later"
        )
    return found


@lru_cache(maxsize=64)
def _agreed(codec: Vvc, height: int, width: int) -> bytes:
    """Parameter sets of a picture of this size: a grey one's."""
    _padded_sides(height, width)  # refuses one too large before it is made
    grey = np.full((height, width, 3), 128, np.uint8)
    return _head(codec._stream(grey, 50.0))


def _head(stream: bytes) -> bytes:
    """What stands before the picture and its filters' parameters."""
    return stream[: next(at for at, kind in _nal_units(stream) if kind in (_NAL_PREFIX_APS, *_IDR))]


def _nal_units(stream: bytes) -> Sequence[tuple[int, int]]:
    """Where each unit begins, at its start code, and its nal_unit_type. Source: ITU-T H.266, 7.3.1.2 and annex B."""
    found = [(match.start(), match.end() + 1) for match in re.finditer(b"\0?\0\0\1", stream)]
    return [(start, stream[second] >> 3) for start, second in found if second < len(stream)]


def _padded_sides(height: int, width: int) -> tuple[int, int]:
    rows, columns = (max(-(-side // 8) * 8, _SMALLEST_SIDE) for side in (height, width))
    if max(rows, columns) > _LARGEST_SIDE or rows * columns > _MOST_PIXELS:
        raise SignalError(
            f"codec vvc: expected sides of at most {_LARGEST_SIDE}, and at most {_MOST_PIXELS} pixels, "
            f"got {height} x {width}"
        )
    return rows, columns


def _halved(plane: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Mean of each 2 x 2, rounded."""
    rows, columns = plane.shape
    total = plane.reshape(rows // 2, 2, columns // 2, 2).astype(np.uint32).sum((1, 3))
    mean: NDArray[np.uint16] = ((total + 2) >> 2).astype(np.uint16)
    return mean


def _doubled(plane: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Bicubic, samples amid their four."""
    from PIL import Image

    rows, columns = plane.shape
    large = Image.fromarray(plane.astype(np.float32)).resize((2 * columns, 2 * rows), Image.Resampling.BICUBIC)
    values: NDArray[np.uint16] = np.asarray(large).round().clip(0, 2**_BIT_DEPTH - 1).astype(np.uint16)
    return values
