"""AVIF: AV1 intra by libaom, 4:4:4 with 8 bits; through Pillow."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError
from .rate_search import Knob

__all__ = ["Avif"]

_MAX_SIDE = 16384  # of libavif


@dataclass(frozen=True)
class Avif:
    """AVIF coder.

    Attributes:
        speed: Of libaom, 0 (slow) to 10.

    Source: AV1 Image File Format, https://aomediacodec.github.io/av1-avif/.
    """

    speed: int = 6

    def knob(self, height: int, width: int) -> Knob:
        """Quality 0 to 100.

        Args:
            height: Of the picture, pixels.
            width: Of the picture, pixels.
        """
        return Knob(0, 100, 1, per_octave=20, at_one_bpp=67)

    def check(self) -> None:
        """Find libavif in Pillow.

        Raises:
            MissingExtra: it was built without.
        """
        from PIL import features

        if not features.check("avif"):
            raise MissingExtra("codec avif", "Pillow 11.3 or later, with libavif", "links")

    def version(self) -> str:
        """Name libavif: of another version files may differ."""
        from PIL import features

        return f"libavif {features.version_module('avif')}"

    def encode(self, picture: NDArray[np.uint8], setting: int) -> bytes:
        """Code a picture at a quality.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.
            setting: 0 to 100.

        Raises:
            SignalError: a side is above 16384 pixels.
        """
        from PIL import Image

        height, width = picture.shape[:2]
        if max(height, width) > _MAX_SIDE:
            raise SignalError(f"codec avif: expected sides of at most {_MAX_SIDE}, got {height} x {width}")
        buffer = io.BytesIO()
        Image.fromarray(picture).save(
            buffer,
            "AVIF",
            quality=setting,
            subsampling="4:4:4",
            speed=self.speed,
            codec="aom",
            max_threads=1,
            advanced={"tune": "psnr"},
        )
        return buffer.getvalue()

    def decode(self, data: bytes, height: int, width: int) -> NDArray[np.uint8]:
        """Decode a file that a channel may have damaged.

        Args:
            data: The file, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not a picture of this size, or damaged.
        """
        from PIL import Image

        declared = b"ispe\0\0\0\0" + struct.pack(">II", width, height)
        if data[4:12] != b"ftypavif" or data.count(b"ispe", 0, 512) != 1 or declared not in data[:512]:
            raise SignalError(f"codec avif: expected a file of {height} x {width}, got another")
        try:
            with Image.open(io.BytesIO(data), formats=["AVIF"]) as coded:
                if coded.size != (width, height):
                    raise SignalError(f"codec avif: expected {height} x {width}, got another size")
                return np.array(coded.convert("RGB"), np.uint8)
        except SignalError:
            raise
        except Exception as error:  # Pillow meets a damaged file with any exception there is
            raise SignalError(f"codec avif: the file is damaged: {error}") from None

    def container_bytes(self, data: bytes) -> int:
        """Count all boxes but the contents of ``mdat``.

        Args:
            data: An undamaged file.
        """
        at = 0
        while at + 8 <= len(data):
            size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
            if kind == b"mdat":
                return len(data) - (size - 8)
            at += max(size, 8)
        return len(data)
