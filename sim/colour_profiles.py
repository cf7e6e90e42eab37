"""Embedded colour profiles (ICC): pictures of other colour spaces become sRGB by LittleCMS, inside of Pillow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from .notes import note

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["lab_to_srgb", "to_srgb"]

_SPACES = {"L": "GRAY", "I;16": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_SAME = 1  # of 255: how far two profiles of sRGB lie apart, anywhere in the cube of colours
_LEAST_WHITE = 128  # of 255: white paper and white light come out light


def to_srgb(picture: Image.Image, profile: bytes | None, path: str) -> Image.Image:
    """Convert a picture's colours by its profile (perceptual intent); without one they are taken for sRGB.

    A profile of sRGB changes no pixel. One that is broken, or of another number of channels than the picture, is
    ignored, and a note says so.

    Args:
        picture: Of mode L, I;16, RGB or CMYK.
        profile: As the file holds it; empty without one, and ``None`` for one that Pillow could not put together.
        path: The file's name, for the note.

    Returns:
        Of mode RGB; the picture itself where nothing was to be converted.
    """
    if profile == b"":
        return picture
    try:
        if profile is None:
            raise ValueError("it is not whole")
        return _converted(picture, profile)
    except Exception as error:  # LittleCMS and Pillow's binding meet a damaged profile with any exception there is
        reason = str(error) or type(error).__name__
        note(f"{path}: its colour profile is ignored, sRGB is assumed: {reason}")
        return picture


def lab_to_srgb(picture: Image.Image) -> Image.Image:
    """Convert CIE L*a*b* of white D50, as TIFF and Photoshop have it, to sRGB.

    Args:
        picture: Of mode LAB.
    """
    from PIL import ImageCms

    return _srgb(picture, ImageCms.createProfile("LAB"))


def _converted(picture: Image.Image, data: bytes) -> Image.Image:
    from PIL import Image, ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    space = profile.profile.xcolor_space.strip()
    if space != _SPACES[picture.mode]:
        raise ValueError(f"expected one of {_SPACES[picture.mode]}, got one of {space or 'no colour space'}")
    is_matrix = space == "RGB" and profile.profile.is_matrix_shaper
    probe, plain = _probe(picture.mode)
    seen = np.asarray(_srgb(probe, profile, exact=not is_matrix))
    if seen[-1, -1].min() < _LEAST_WHITE:
        raise ValueError(f"it makes {tuple(seen[-1, -1].tolist())} of white")
    if plain is not None and np.abs(seen - plain).max() <= _SAME:
        return picture
    if space == "GRAY":
        return Image.fromarray(seen[0][np.asarray(picture)])
    return _srgb(picture, profile, exact=not is_matrix)


def _probe(mode: str) -> tuple[Image.Image, Any]:
    """Colours to try a profile on, white the last, and how sRGB shows them; of greys every one."""
    from PIL import Image

    if mode == "CMYK":
        return Image.new("CMYK", (1, 1)), None
    if mode == "RGB":
        steps = np.arange(0, 256, 15, dtype=np.uint8)
        cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)  # [18, 18, 18, 3]
        cube = np.ascontiguousarray(cube.reshape(18, -1, 3))
        return Image.fromarray(cube), cube.astype(int)
    greys = np.arange(1 << 8, dtype=np.uint8) if mode == "L" else np.arange(1 << 16, dtype=np.uint16)
    return Image.fromarray(greys[None]), np.round(greys * (255 / greys[-1]))[:, None]


def _srgb(picture: Image.Image, profile: Any, *, exact: bool = True) -> Image.Image:
    """Convert; exactly, or by LittleCMS's shortcut, ten times as fast: it is off by 10 of 255 but for matrices."""
    from PIL import ImageCms

    flags = ImageCms.Flags.NOOPTIMIZE if exact else ImageCms.Flags.NONE
    converted: Image.Image = ImageCms.buildTransform(
        profile, ImageCms.createProfile("sRGB"), picture.mode, "RGB", flags=flags
    ).apply(picture)
    return converted
