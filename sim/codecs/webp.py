"""WebP, lossy: through Pillow."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtra, SignalError
from .rate_search import Knob

__all__ = ["Webp"]

_QUALITY_STEPS = 4  # of the knob, to one step of the quality
_MAX_SIDE = 16383
_CONTAINER = 20  # RIFF, size, WEBP, VP8, size


@dataclass(frozen=True)
class Webp:
    """WebP coder, lossy: 4:2:0, so that colour has a quarter of the samples whatever the quality.

    Source: RFC 9649.
    """

    def knob(self, height: int, width: int) -> Knob:
        """Quality 0 to 100 in quarters.

        Args:
            height: Of the picture, pixels.
            width: Of the picture, pixels.
        """
        return Knob(0, 100 * _QUALITY_STEPS, 1, per_octave=18 * _QUALITY_STEPS, at_one_bpp=81 * _QUALITY_STEPS)

    def check(self) -> None:
        """Find libwebp in Pillow.

        Raises:
            MissingExtra: it was built without.
        """
        from PIL import features

        if not features.check("webp"):
            raise MissingExtra("codec webp", "Pillow with libwebp", "links")

    def version(self) -> str:
        """Name libwebp: of another version files may differ."""
        from PIL import features

        return f"libwebp {features.version_module('webp')}"

    def encode(self, picture: NDArray[np.uint8], setting: int) -> bytes:
        """Code a picture at quality ``setting / 4``.

        Args:
            picture: uint8 sRGB ``[H, W, 3]``.
            setting: 0 to 400.

        Raises:
            SignalError: a side is above 16383 pixels.
        """
        from PIL import Image

        height, width = picture.shape[:2]
        if max(height, width) > _MAX_SIDE:
            raise SignalError(f"codec webp: expected sides of at most {_MAX_SIDE}, got {height} x {width}")
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "WEBP", quality=setting / _QUALITY_STEPS, method=6)
        return buffer.getvalue()

    def decode(self, data: bytes, height: int, width: int) -> NDArray[np.uint8]:
        """Decode a file that a channel may have damaged.

        Args:
            data: The file, zeros after it or not.
            height: Of the picture, pixels.
            width: Of the picture, pixels.

        Raises:
            SignalError: it is not a lossy picture of this size, or damaged.
        """
        from PIL import Image

        # RIFF's and the chunk's own lengths agree; then the key frame's header: 3 bytes, start code, 14 bits a side
        size, chunk = (int.from_bytes(data[at : at + 4], "little") for at in (4, 16))
        sides = tuple(int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (28, 26))
        framed = data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8 " and size + 8 <= len(data) and chunk + 12 <= size
        if not framed or data[23:26] != b"\x9d\x01\x2a" or sides != (height, width):
            raise SignalError(f"codec webp: expected a lossy file of {height} x {width}, got another")
        try:
            with Image.open(io.BytesIO(data[: size + 8]), formats=["WEBP"]) as coded:
                if coded.size != (width, height):
                    raise SignalError(f"codec webp: expected {height} x {width}, got another size")
                return np.array(coded.convert("RGB"), np.uint8)
        except SignalError:
            raise
        except Exception as error:  # Pillow meets a damaged file with any exception there is
            raise SignalError(f"codec webp: the file is damaged: {error}") from None

    def container_bytes(self, data: bytes) -> int:
        """Count RIFF's header and the chunk's.

        Args:
            data: An undamaged file.
        """
        return _CONTAINER
