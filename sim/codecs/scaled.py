"""Coding at a budget and at several sizes: at few bits a smaller picture, coded better, may look more like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..images import fit_image
from ..metrics.psnr import psnr_db
from .codec import Codec
from .rate_search import FileMemo, fill_budget, picture_digest

__all__ = ["CodedPicture", "decode_scaled", "encode_at_budget", "scaled_sides"]


class CodedPicture(NamedTuple):
    """A picture coded to fit.

    Attributes:
        data: The file; ``None`` if none fits the budget.
        scale_eighths: Its sides are those of the picture times this over 8.
        smallest: Bytes of the smallest file tried, at any scale.
    """

    data: bytes | None
    scale_eighths: int
    smallest: int


def scaled_sides(height: int, width: int, scale_eighths: int) -> tuple[int, int]:
    """Sides of the scaled picture, rounded up.

    Args:
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        scale_eighths: 1 to 8.

    >>> scaled_sides(512, 767, 4)
    (256, 384)
    """
    return -(-height * scale_eighths // 8), -(-width * scale_eighths // 8)


def encode_at_budget(
    codec: Codec,
    picture: NDArray[np.uint8],
    budget: int,
    *,
    scales_eighths: Sequence[int] = (8,),
    memo: FileMemo | None = None,
) -> CodedPicture:
    """Code a picture into at most so many bytes, at the scale whose result is nearest to the original in PSNR.

    Args:
        codec: The source coder.
        picture: uint8 sRGB ``[H, W, 3]``.
        budget: Bytes.
        scales_eighths: Scales to try, in eighths of the sides; quickest with the largest first.
        memo: What remembers files between calls; it changes no result.

    Raises:
        SignalError: the coder refuses the picture.
    """
    memo = FileMemo() if memo is None else memo
    height, width = picture.shape[:2]
    best, best_psnr_db, smallest = CodedPicture(None, 8, 0), -np.inf, []
    for scale in scales_eighths:
        sides = scaled_sides(height, width, scale)
        small = fit_image(picture, sides, "stretch")
        # what scaling loses, no coder brings back: most pictures need no smaller size tried
        if best.data is not None and psnr_db(picture, fit_image(small, (height, width), "stretch")) <= best_psnr_db:
            continue
        digest, coder = picture_digest(small), repr(codec)

        def encode(setting: int, small: NDArray[np.uint8] = small, digest: str = digest, coder: str = coder) -> bytes:
            return memo.get(digest, coder, setting, lambda: codec.encode(small, setting))

        found = fill_budget(encode, codec.knob(*sides), budget, sides[0] * sides[1])
        smallest.append(found.smallest)
        if found.data is None:
            continue
        if len(scales_eighths) == 1:
            return CodedPicture(found.data, scale, found.smallest)
        quality_db = psnr_db(picture, decode_scaled(codec, found.data, height, width, scale))
        if quality_db > best_psnr_db:
            best, best_psnr_db = CodedPicture(found.data, scale, 0), quality_db
    return best._replace(smallest=min(smallest))


def decode_scaled(codec: Codec, data: bytes, height: int, width: int, scale_eighths: int) -> NDArray[np.uint8]:
    """Decode, and bring the picture to its size (Lanczos).

    Args:
        codec: The source coder.
        data: The file, zeros after it or not.
        height: Of the picture, pixels.
        width: Of the picture, pixels.
        scale_eighths: As the transmitter chose it.

    Raises:
        SignalError: it cannot be decoded.
    """
    decoded = codec.decode(data, *scaled_sides(height, width, scale_eighths))
    return fit_image(decoded, (height, width), "stretch")
