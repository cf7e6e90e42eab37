"""What Pillow decoded becomes uint8 sRGB: depth, transparency, colour profile and orientation, in this order."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .colour_profiles import lab_to_srgb, to_srgb
from .tiff import ORIENTATION, PHOTOMETRIC, Tags, depth_bits, read_tags

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["to_rgb"]

_STATED_RANGE = ("ICNS", "ICO", "JPEG2000", "PNG", "PPM", "TIFF")  # whose 16 bits are shares of a stated largest value


def to_rgb(picture: Image.Image, path: str, tiff: Tags) -> NDArray[np.uint8]:
    """Turn a picture that is loaded into uint8 sRGB ``[H, W, 3]``, by the rules of `sim.images`.

    Args:
        picture: As Pillow opened it, of any mode.
        path: Its file, for messages; a PNG is read again where its transparent colour has 16 bits.
        tiff: The tags of a TIFF; empty for all else.

    Raises:
        InputError: its values have no stated range.
    """
    from PIL import Image

    colour, alpha = _colour_and_alpha(picture, path, tiff)
    colour = to_srgb(colour, picture.info.get("icc_profile", b""), path)
    if colour.mode == "I;16":
        colour = Image.fromarray(_share(np.asarray(colour), 65535, 255).astype(np.uint8))
    colour = colour.convert("RGB")
    if alpha is not None:
        colour.putalpha(alpha)
        colour = Image.alpha_composite(Image.new("RGBA", colour.size, (255, 255, 255, 255)), colour).convert("RGB")
    return np.array(_upright(colour, picture), dtype=np.uint8)


def _colour_and_alpha(picture: Image.Image, path: str, tiff: Tags) -> tuple[Image.Image, Image.Image | None]:
    """Colour of mode L, I;16, RGB or CMYK, and alpha of mode L if there is any."""
    mode, key = picture.mode, picture.info.get("transparency")
    if mode == "F":
        raise InputError(f"{path}: expected 8 or 16 bits a channel, got floating-point values: convert it first")
    alpha = None
    if picture.format == "PNG" and key is not None and mode != "P":
        alpha = _keyed(picture, path, key)
        del picture.info["transparency"]  # Pillow would carry it along, and compare it with other values
    if mode.startswith("I"):
        return _deep_grey(picture, path, tiff), alpha
    if mode in ("CMYK", "LAB"):
        return (picture if mode == "CMYK" else lab_to_srgb(picture)), None
    if mode in ("LA", "La"):
        grey = picture.convert("LA")
        return grey.getchannel("L"), grey.getchannel("A")
    picture = picture.copy() if mode == "P" else picture  # of an ICNS only the copy has its palette
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    return picture.convert("L" if mode in ("1", "L") else "RGB"), alpha


def _deep_grey(picture: Image.Image, path: str, tiff: Tags) -> Image.Image:
    """Grey of more than 8 bits, scaled to 16."""
    from PIL import Image

    values = np.asarray(picture)
    if picture.format not in _STATED_RANGE:
        raise InputError(
            f"{path}: expected 8 or 16 bits a channel, got {picture.format} of values up to {values.max()}: convert it"
        )
    bits = depth_bits(tiff) if tiff else 16
    scaled = _share(values, (1 << bits) - 1, 65535).astype(np.uint16)
    return Image.fromarray(65535 - scaled if tiff.get(PHOTOMETRIC) == (0,) else scaled)


def _keyed(picture: Image.Image, path: str, key: int | tuple[int, ...]) -> Image.Image:
    """The alpha of a PNG with one transparent colour, compared at the depth that the file has."""
    from PIL import Image

    with open(path, "rb") as file:
        bits = file.read(25)[24]
    values = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    if picture.mode == "RGB" and bits == 16:
        with Image.open(path, formats=["PNG"]) as again:
            again.tile = [tile._replace(args="RGB;16L") for tile in again.tile]  # the lower byte of each value
            values = values.astype(np.uint16) << 8 | np.asarray(again)
    elif bits < 8:
        values = _share(values, 255, (1 << bits) - 1)
    wanted = np.asarray(bool(key) if picture.mode == "1" else key) & ((1 << bits) - 1)
    clear = (values.reshape(*values.shape[:2], -1) == wanted).all(axis=2)
    return Image.fromarray(np.where(clear, 0, 255).astype(np.uint8))


def _upright(colour: Image.Image, picture: Image.Image) -> Image.Image:
    """Turn by the orientation of the EXIF, whatever else is broken in it; of a TIFF Pillow has done so."""
    from PIL import Image

    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(_orientation(picture))
    return colour if turn is None else colour.transpose(turn)


def _orientation(picture: Image.Image) -> int:
    if picture.format == "TIFF":
        return 1
    exif = picture.info.get("exif", b"")
    if not exif and "Raw profile type exif" in picture.info:  # ImageMagick's way, in a PNG's text
        with contextlib.suppress(ValueError):
            exif = bytes.fromhex("".join(picture.info["Raw profile type exif"].split("\n")[3:]))
    found = read_tags(io.BytesIO(exif.removeprefix(b"Exif\0\0"))).get(ORIENTATION)
    if found is None:
        xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp", b"")
        stated = re.search(rb'tiff:Orientation(="|>)([1-8])', xmp.encode() if isinstance(xmp, str) else xmp)
        return int(stated[2]) if stated else 1
    return found[0]


def _share(values: NDArray[np.generic], top: int, new_top: int) -> NDArray[np.uint32]:
    """Values of 0 to ``top`` as such of 0 to ``new_top``, rounded."""
    shares: NDArray[np.uint32] = ((values.astype(np.uint32) * new_top + top // 2) // top).astype(np.uint32)
    return shares
