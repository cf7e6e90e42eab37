"""JPEG 2000: raw codestreams of OpenJPEG, through Pillow."""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError
from .rate_search import Knob

__all__ = ["Jpeg2000"]

PER_OCTAVE = 1024  # steps of the knob
_SOC_SIZ, _COM, _SOT, _EOC = b"\xff\x4f\xff\x51", b"\xff\x64", b"\xff\x90", b"\xff\xd9"


@dataclass(frozen=True)
class Jpeg2000:
    """JPEG 2000 coder; OpenJPEG's own rate control cuts the stream at the bytes asked for.

    The codestream goes without the boxes of the file format and without the comment that names the software.

    Attributes:
        wavelet: ``9-7`` with the irreversible colour transform: more PSNR for the bits. ``5-3`` with the reversible
            one: whole numbers, lossless where the budget allows.

    Source: ITU-T T.800, annexes A (codestream), F (wavelets) and G (colour transforms).
    """

    wavelet: Literal["9-7", "5-3"] = "9-7"

    def knob(self, height: int, width: int) -> Knob:
        """log2 of the bytes asked for, in steps of 1/1024; at most those of the picture itself.

        Args:
            height: Of the picture, pixels.
            width: Of the picture, pixels.
        """
        pixels = height * width
        highest, at_one_bpp = (round(math.log2(max(size, 1)) * PER_OCTAVE) for size in (3 * pixels, pixels / 8))
        return Knob(0, highest, 1, per_octave=PER_OCTAVE, at_one_bpp=at_one_bpp)

    def check(self) -> None:
        """Find OpenJPEG in Pillow.

        Raises:
            MissingExtra: it was built without.
        """
        from PIL import features

        if not features.check("jpg_2000"):
            raise MissingExtra("codec jpeg2000", "Pillow with OpenJPEG", "links")

    def version(self) -> str:
        """Name OpenJPEG: of another version files may differ."""
        from PIL import features

        return f"OpenJPEG {features.version_codec('jpg_2000')}"

    def encode(self, picture: NDArray[np.uint8], setting: int) -> bytes:
        """Code a picture to some ``2 ** (setting / 1024)`` bytes.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.
            setting: 0 to 30720.

        Raises:
            SignalError: OpenJPEG refuses the picture.
        """
        from PIL import Image

        height, width = picture.shape[:2]
        wanted = 2.0 ** (setting / PER_OCTAVE)
        ratio = max(picture.size / wanted, 1.0)
        buffer = io.BytesIO()
        try:
            Image.fromarray(picture).save(
                buffer,
                "JPEG2000",
                no_jp2=True,
                irreversible=self.wavelet == "9-7",
                mct=1,
                quality_mode="rates",
                quality_layers=[ratio],
                num_resolutions=min(max(min(height, width).bit_length(), 1), 6),
            )
        except (OSError, ValueError) as error:
            raise SignalError(f"codec jpeg2000: OpenJPEG refuses a picture of {height} x {width}: {error}") from None
        return _without_comment(buffer.getvalue())

    def decode(self, data: bytes, height: int, width: int) -> NDArray[np.uint8]:
        """Decode a codestream that a channel may have damaged.

        Args:
            data: The codestream, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not a picture of this size in one tile, or damaged.
        """
        from PIL import Image

        stream = data.rstrip(b"\0")
        if not stream.startswith(_declared(height, width)) or not stream.endswith(_EOC):
            raise SignalError(f"codec jpeg2000: expected a codestream of {height} x {width} in one tile, got another")
        try:
            with Image.open(io.BytesIO(stream), formats=["JPEG2000"]) as coded:
                if coded.size != (width, height) or coded.mode != "RGB":
                    raise SignalError(f"codec jpeg2000: expected RGB of {height} x {width}, got {coded.mode}")
                return np.array(coded, np.uint8)
        except SignalError:
            raise
        except Exception as error:  # Pillow meets a damaged file with any exception there is
            raise SignalError(f"codec jpeg2000: the codestream is damaged: {error}") from None

    def container_bytes(self, data: bytes) -> int:
        """Count the main header, the tile's and the end marker.

        Args:
            data: An undamaged codestream.
        """
        return data.index(b"\xff\x93", _main_header_end(data)) + 2 + len(_EOC)


def _declared(height: int, width: int) -> bytes:
    """The start of every codestream that `encode` makes, SOC and SIZ: one tile, three components of 8 bits."""
    size = struct.pack(">HHIIIIIIIIH", 47, 0, width, height, 0, 0, width, height, 0, 0, 3)
    return _SOC_SIZ + size + 3 * bytes([7, 1, 1])


def _main_header_end(data: bytes) -> int:
    at = 2
    while data[at : at + 2] != _SOT:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def _without_comment(data: bytes) -> bytes:
    kept, at, end = [data[:2]], 2, _main_header_end(data)
    while at < end:
        after = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at : at + 2] != _COM:
            kept.append(data[at:after])
        at = after
    return b"".join(kept) + data[end:]
