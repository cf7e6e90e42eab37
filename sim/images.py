"""Reading pictures: any format of Pillow becomes uint8 sRGB ``[H, W, 3]`` by rules that are written down here.

- EXIF orientation is applied, also where the rest of the EXIF is broken.
- An embedded colour profile (ICC) is applied, to sRGB; one that is broken, or of another number of channels, is ignored
  and noted. Without a profile, values are taken as sRGB.
- Grey becomes three equal channels; a palette is looked up; CMYK, YCbCr and CIE Lab are converted.
- Transparency is composited over white, on 8-bit sRGB values; a transparent colour is compared at its full depth.
- 16-bit and 12-bit grey is scaled, ``round(v * 255 / 65535)``; 16-bit colour is reduced to 8 bits by Pillow. Signed,
  floating-point and wider pictures have no stated range and are refused, and so are kinds of TIFF that Pillow reads
  wrongly: the message names the kind.
- A JPEG cut by so little that hardly a pixel hangs on it is read and noted; other truncated files are refused.
- Of an animation the first frame is read.
- No side may exceed `MAX_SIDE` and no picture `MAX_PIXELS`; both are checked before anything is decoded.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .cut_jpeg import read_cut_jpeg
from .notes import note
from .tiff import Tags, kind_of, read_tags, reads_rightly
from .to_rgb import to_rgb

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "PHOTOS",
    "Fit",
    "fit_image",
    "image_files",
    "input_file",
    "read_image",
    "readable_formats",
]

MAX_SIDE = 20_000
"""Longest side of a picture that is read, in pixels."""

MAX_PIXELS = 1 << 26
"""Most pixels of a picture that is read: 8192 x 8192."""

PHOTOS = ("astronaut", "chelsea", "coffee", "motorcycle", "rocket")
"""The pictures of ``builtin:photos``: colour photographs that are inside the scikit-image wheel, no download needed."""

Fit = Literal["cover", "crop", "stretch"]
"""How a picture comes to a stated size: ``cover`` scales it until it covers the size and cuts out the centre, ``crop``
cuts out the centre without scaling, ``stretch`` scales height and width apart."""

_BUILTIN_FILES = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
    "hubble": "hubble_deep_field.jpg",
    "ihc": "ihc.png",
    "retina": "retina.jpg",
}
# Postscript runs an interpreter; the others are stubs without a decoder, or not pictures.
_REFUSED_FORMATS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_TIFF_HEADERS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"MM*\0", b"II\0*")  # the last two are wrong, and met


def image_files(path: str) -> list[Path]:
    """The picture files that a path names.

    Args:
        path: A picture file; a folder, whose picture files (by suffix, hidden ones and subfolders left out) come in
            natural order, so that ``2.png`` precedes ``10.png``; ``builtin:photos`` for all of `PHOTOS`, or
            ``builtin:NAME`` for one of them or for ``hubble``, ``ihc`` or ``retina``.

    Raises:
        InputError: There is no such file, folder or built-in picture, or the folder holds no picture.
    """
    if path.startswith("builtin:"):
        return _builtin_files(path.removeprefix("builtin:"))
    place = Path(path).expanduser()
    if place.is_dir():
        files = [f for f in place.iterdir() if _looks_like_image(f)]
        if not files:
            raise InputError(f"{path}: expected a folder with pictures, got one without")
        return sorted(files, key=_natural)
    if not place.exists():
        raise InputError(f"{path}: no such file or folder")
    return [place]


def input_file(path: str | Path, kind: str) -> Path:
    """The file that a path names, which must be one and hold something.

    Args:
        path: The file.
        kind: What it should be: ``picture``, ``video``.

    Raises:
        InputError: There is none, it is a folder or a device, or it is empty.
    """
    place = Path(path)
    if not place.exists():
        raise InputError(f"{path}: no such file")
    if not place.is_file():
        raise InputError(f"{path}: expected a {kind} file, got a folder or a device")
    if place.stat().st_size == 0:
        raise InputError(f"{path}: expected a {kind}, got an empty file")
    return place


def read_image(path: str | Path, *, size: tuple[int, int] | None = None, fit: Fit = "cover") -> NDArray[np.uint8]:
    """Read one picture by the rules of this module.

    Args:
        path: The file.
        size: Height and width wanted, in pixels; ``None`` keeps the picture's own.
        fit: How the picture comes to that size.

    Returns:
        uint8 sRGB ``[H, W, 3]``.

    Raises:
        InputError: The file is missing, empty, not a picture, truncated, or beyond the bounds; the message says which.
    """
    from PIL import Image, UnidentifiedImageError

    place = input_file(path, "picture")
    too_large = f"{path}: expected at most {MAX_SIDE} pixels a side and {MAX_PIXELS} in all, got "
    # What Pillow says of broken metadata is no word for our users: what counts of them is read by `to_rgb`.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    tiff: Tags = {}
    try:
        tiff = _tiff_tags(place)
        if tiff and not reads_rightly(tiff):
            raise InputError(_of_other_kind(path, tiff))
        with Image.open(place, formats=readable_formats()) as picture:
            width, height = picture.size
            if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
                raise InputError(f"{too_large}{width} x {height}: scale it down first")
            rgb = to_rgb(_loaded(picture, place), str(path), tiff)
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(f"{too_large}many times more: scale it down first") from None
    except UnidentifiedImageError:
        if tiff:
            raise InputError(_of_other_kind(path, tiff)) from None
        raise InputError(f"{path}: expected a picture, got a file that no decoder knows") from None
    except PermissionError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except Exception as error:  # decoders meet a damaged file with any exception there is
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: the picture is truncated or damaged: {reason}") from None
    return fit_image(rgb, size, fit, name=str(path))


def fit_image(
    picture: NDArray[np.uint8], size: tuple[int, int] | None, fit: Fit = "cover", *, name: str = "picture"
) -> NDArray[np.uint8]:
    """Bring a picture to a size, antialiased (Lanczos).

    Args:
        picture: uint8 ``[H, W, 3]``.
        size: Height and width wanted; ``None`` or the picture's own leaves every value as it is.
        fit: How; see `Fit`.
        name: The picture's name, for the message.

    Raises:
        InputError: ``fit`` is ``crop`` and the picture is smaller than the size.
    """
    from PIL import Image

    height, width = picture.shape[:2]
    if size is None or size == (height, width):
        return picture
    rows, columns = size
    if fit == "crop":
        if height < rows or width < columns:
            raise InputError(f"{name}: expected at least {rows} x {columns} pixels to crop, got {height} x {width}")
        top, left = (height - rows) // 2, (width - columns) // 2
        return np.ascontiguousarray(picture[top : top + rows, left : left + columns])
    box = (0.0, 0.0, float(width), float(height))
    if fit == "cover":
        scale = max(rows / height, columns / width)
        seen_width, seen_height = min(columns / scale, width), min(rows / scale, height)
        left_edge, top_edge = (width - seen_width) / 2, (height - seen_height) / 2
        box = (left_edge, top_edge, left_edge + seen_width, top_edge + seen_height)
    scaled = Image.fromarray(picture).resize((columns, rows), Image.Resampling.LANCZOS, box=box)
    return np.array(scaled, dtype=np.uint8)


def _builtin_files(name: str) -> list[Path]:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise InputError(f"builtin:{name}: scikit-image, which holds the built-in photographs, is not installed")
    folder = Path(spec.origin).parent / "data"
    if name == "photos":
        return [folder / _BUILTIN_FILES[photo] for photo in PHOTOS]
    if name not in _BUILTIN_FILES:
        known = ", ".join(["photos", *_BUILTIN_FILES])
        raise InputError(f"builtin:{name}: no such built-in picture; there are {known}")
    return [folder / _BUILTIN_FILES[name]]


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read: none that runs a program, none that is no picture."""
    from PIL import Image

    Image.init()
    return tuple(name for name in Image.OPEN if name not in _REFUSED_FORMATS)


@functools.cache
def _suffixes() -> frozenset[str]:
    from PIL import Image

    readable = set(readable_formats())
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in readable)


def _looks_like_image(file: Path) -> bool:
    return file.suffix.lower() in _suffixes() and not file.name.startswith(".") and file.is_file()


def _natural(file: Path) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.split(r"([0-9]+)", file.name.lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part], file.name


def _tiff_tags(place: Path) -> Tags:
    """The tags of a TIFF; none of another file."""
    with place.open("rb") as file:
        return read_tags(file) if file.peek(4)[:4] in _TIFF_HEADERS else {}


def _of_other_kind(path: str | Path, tiff: Tags) -> str:
    return f"{path}: expected a TIFF of 8 or 16 bits a channel, got {kind_of(tiff)}: convert it first"


def _loaded(picture: Image.Image, place: Path) -> Image.Image:
    """Decode; a JPEG that lacks hardly more than its end is mended."""
    from PIL import Image

    try:
        picture.load()
    except OSError:
        cut = read_cut_jpeg(place.read_bytes()) if picture.format in ("JPEG", "MPO") else None
        if cut is None:
            raise
        data, lost = cut
        picture = Image.open(io.BytesIO(data), formats=["JPEG"])
        picture.load()
        note(f"{place}: the file is cut: {f'{lost} pixels at its end are made up' if lost else 'no pixel is missing'}")
    return picture
