"""Pictures small enough to live inside a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["JPEG_QUALITY", "Thumbnail", "difference", "png_uri", "thumbnail"]

JPEG_QUALITY = 92


@dataclass(frozen=True)
class Thumbnail:
    """An encoded picture: its size as shown, in pixels, and its data URI."""

    width: int
    height: int
    uri: str


def thumbnail(picture: NDArray[np.uint8], longest_side: int) -> Thumbnail:
    """Scale a picture down to a longest side (never up) and encode it as JPEG without chroma subsampling.

    Args:
        picture: uint8 sRGB ``[H, W, 3]``, at least 1 x 1.
        longest_side: Pixels.
    """
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = longest_side / max(image.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return Thumbnail(image.width, image.height, _uri(image, "JPEG", quality=JPEG_QUALITY, subsampling=0))


def difference(sent: NDArray[np.uint8], received: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    r"""The absolute difference, amplified: :math:`\min(255, g\,|x - \hat x|)`.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: The same shape.
        gain: Amplification g.
    """
    error = np.abs(sent.astype(np.int16) - received)
    amplified: NDArray[np.uint8] = np.minimum(error * np.float32(gain) + np.float32(0.5), 255).astype(np.uint8)
    return amplified


def png_uri(rgba: NDArray[np.uint8]) -> str:
    """Encode uint8 RGBA ``[H, W, 4]`` as the data URI of a PNG."""
    from PIL import Image

    return _uri(Image.fromarray(rgba), "PNG", optimize=True)


def _uri(image: Image.Image, kind: str, **options: int | bool) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
